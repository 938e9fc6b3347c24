import { Logger } from '@nestjs/common';
import type { LeaseStore } from '../election/index.js';
import { DEFAULT_FILE_STORE_MESSAGE, DEFAULT_MEMORY_STORE_MESSAGE } from '../leader-election.messages.js';
import { chooseStore } from './store-choice.js';
import { fileLease } from '../stores/file/index.js';
import { kubernetesLease } from '../stores/kubernetes/index.js';
import { memoryLease } from '../stores/memory/index.js';

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
