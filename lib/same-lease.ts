import type { ElectionOptions, LeaseStore } from './election/index.js';
import { FileLeaseStore } from './stores/file/index.js';

/** Whether two elections of one application stand for one lease, as far as that can be known without asking the store. */
export function isSameLease(a: ElectionOptions, b: ElectionOptions): boolean {
  return a.leaseName === b.leaseName && namespaceOf(a) === namespaceOf(b) && isSameStore(a.store, b.store);
}

/** Which one Kubernetes means where none is named stands in a file that is read later: it counts as one of its own here. */
function namespaceOf({ namespace, store }: ElectionOptions): string | undefined {
  return namespace ?? (store.name === 'kubernetes' ? undefined : 'default');
}

function isSameStore(a: LeaseStore, b: LeaseStore): boolean {
  return a === b || (a instanceof FileLeaseStore && b instanceof FileLeaseStore && a.directory === b.directory);
}
