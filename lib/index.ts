export * from './election/index.js';
export { memoryLease, type MemoryLeaseOptions, type MemoryLeaseStore } from './stores/memory/index.js';
export { kubernetesLease, type KubernetesLeaseOptions } from './stores/kubernetes/index.js';
