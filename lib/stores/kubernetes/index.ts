export { kubernetesLease } from './kubernetes-lease.js';
export type { KubeConfigLike, KubernetesLeaseOptions } from './options.js';
