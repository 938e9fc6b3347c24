export type { MemoryFault, MemoryOperation } from './faults.js';
export { memoryLease, MemoryLeaseStore, type LeaseName, type MemoryLeaseOptions } from './memory-lease.js';
