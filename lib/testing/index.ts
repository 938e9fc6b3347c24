/**
 * What tests need: leadership by hand, and the contract of a store.
 *
 * @module nestjs-leader/testing
 */

export { LeaderElectionTestingModule, type LeaderElectionTestingOptions } from './leader-election-testing.module.js';
export { LeadershipControl } from './leadership-control.js';
export { overrideLeaderElection } from './override-leader-election.js';
export * from './store-contract/index.js';
export { withLeadership } from './with-leadership.js';
