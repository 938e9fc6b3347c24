import type { ElectionOptions, LeaseStore } from '../election/index.js';
import type { FileLeaseStore } from '../stores/file/index.js';

/** Whether two elections of one application stand for one lease, as far as that can be known without asking the store. */
export function isSameLease(a: ElectionOptions, b: ElectionOptions): boolean {
  return a.leaseName === b.leaseName && namespaceOf(a) === namespaceOf(b) && isSameStore(a.store, b.store);
}

/** Which one Kubernetes means where none is named stands in a file that is read later: it counts as one of its own here. */
function namespaceOf({ namespace, store }: ElectionOptions): string | undefined {
  return namespace ?? (store.name === 'kubernetes' ? undefined : 'default');
}

function isSameStore(a: LeaseStore, b: LeaseStore): boolean {
  const directory = directoryOf(a);
  return a === b || (directory !== undefined && directory === directoryOf(b));
}

/** Of a file store, also one that another copy of the package made. */
function directoryOf(store: LeaseStore): string | undefined {
  return store.name === 'file' ? (store as Partial<FileLeaseStore>).directory : undefined;
}
