/**
 * A health indicator for @nestjs/terminus.
 *
 * @module nestjs-leader/terminus
 */

export { LeaderElectionHealthModule } from './leader-election-health.module.js';
export { LeaderElectionHealthIndicator, type LeaderElectionHealthOptions } from './leader-election.health.js';
