export { kubernetesLease, type KubernetesLeaseOptions } from './kubernetes-lease.js';
export type { KubeConfigLike } from './credentials-kubeconfig.js';
