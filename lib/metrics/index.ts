export { LeaderElectionMetricsModule, type LeaderElectionMetricsOptions } from './leader-election-metrics.module.js';
