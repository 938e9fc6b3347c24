/**
 * The module, the service, the decorators, the stores. Loads none of the optional peers.
 *
 * @module nestjs-leader
 */

export * from './decorators/index.js';
export { getLeaderElectionToken } from './leader-election.constants.js';
export * from './diagnostics/index.js';
export * from './election/index.js';
export { LeaderGuard } from './guards/leader.guard.js';
export type {
  LeaderElectionAsyncOptions,
  LeaderElectionFeatureAsyncOptions,
  LeaderElectionFeatureOptions,
  LeaderElectionOptions,
  LeaderElectionOptionsFactory,
} from './interfaces/leader-election-options.interface.js';
export { LeaderElectionModule } from './leader-election.module.js';
export { LeaderElectionService } from './leader-election.service.js';
export {
  memoryLease,
  type LeaseName,
  type MemoryFault,
  type MemoryLeaseOptions,
  type MemoryLeaseStore,
  type MemoryOperation,
} from './stores/memory/index.js';
export { kubernetesLease, type KubeConfigLike, type KubernetesLeaseOptions } from './stores/kubernetes/index.js';
export { fileLease, type FileLeaseOptions, type FileLeaseStore } from './stores/file/index.js';
