export * from './decorators/index.js';
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
export { memoryLease, type MemoryLeaseOptions, type MemoryLeaseStore } from './stores/memory/index.js';
export { kubernetesLease, type KubernetesLeaseOptions } from './stores/kubernetes/index.js';
export { fileLease, type FileLeaseOptions, type FileLeaseStore } from './stores/file/index.js';
