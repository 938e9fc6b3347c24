/**
 * Prometheus metrics, by prom-client.
 *
 * @module nestjs-leader/prometheus
 */

export { LeaderElectionMetricsModule, type LeaderElectionMetricsOptions } from './leader-election-metrics.module.js';
