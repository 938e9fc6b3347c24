import { LeaderElectionConfigError } from '../election/index.js';
import { NO_STORE_IN_PRODUCTION_ADVICE, NO_STORE_IN_PRODUCTION_MESSAGE } from '../leader-election.messages.js';
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
