import { Logger } from '@nestjs/common';
import { LeaderElectionConfigError, type LeaseStore } from '../election/index.js';
import {
  DEFAULT_FILE_STORE_MESSAGE,
  DEFAULT_MEMORY_STORE_MESSAGE,
  NO_STORE_IN_PRODUCTION_ADVICE,
  NO_STORE_IN_PRODUCTION_MESSAGE,
} from '../leader-election.messages.js';
import { fileLease } from '../stores/file/index.js';
import { kubernetesLease } from '../stores/kubernetes/index.js';
import { memoryLease } from '../stores/memory/index.js';
import { isUnderTestRunner, type ProcessTraits } from './test-runner.js';

export type DefaultStore = 'memory' | 'kubernetes' | 'file';

/**
 * Which store an application gets that names none. The order matters: tests also run in pods, and a pod must never fall
 * back to anything that its fellow pods do not see.
 *
 * @throws LeaderElectionConfigError in production outside Kubernetes, where a file would elect one leader per host
 */
export function chooseStore(env: NodeJS.ProcessEnv, traits?: ProcessTraits): DefaultStore {
  if (isUnderTestRunner(env, traits)) return 'memory';
  if (env.KUBERNETES_SERVICE_HOST) return 'kubernetes';
  if (env.NODE_ENV === 'production')
    throw new LeaderElectionConfigError(NO_STORE_IN_PRODUCTION_MESSAGE, NO_STORE_IN_PRODUCTION_ADVICE);

  return 'file';
}

/** The store of an application's elections that name none: chosen when the first of them asks, the same for all. */
export function defaultStore(): () => LeaseStore {
  let store: LeaseStore | undefined;
  return () => (store ??= create());
}

function create(): LeaseStore {
  switch (chooseStore(process.env)) {
    case 'memory':
      new Logger('LeaderElection').log(DEFAULT_MEMORY_STORE_MESSAGE);
      return memoryLease();
    case 'kubernetes':
      return kubernetesLease();
    case 'file': {
      const store = fileLease();
      new Logger('LeaderElection').log(DEFAULT_FILE_STORE_MESSAGE(store.directory));
      return store;
    }
  }
}
