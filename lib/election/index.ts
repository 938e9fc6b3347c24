/**
 * The election without Nest.
 *
 * @module nestjs-leader/election
 */

export type { CancelTimer, Chance, Clock } from './clock.js';
export * from './errors.js';
export type { LeadershipTerm, LossReason } from './leadership-term.js';
export type { LeaseRecord } from './lease-record.js';
export type { LeaseHandle, LeaseStore, Snapshot, StoredLease, WriteOutcome } from './lease-store.js';
export type { ElectionLog } from './log.js';
export type { ElectionOptions } from './options.js';
export type { Timings } from './timings.js';
export type { Election, RunOptions, TermHandlers } from './election.js';
export type { ElectionRole, ElectionStatus } from './status.js';
export { LeaderElector, type LeaderElectorSetup } from './elector.js';
export { systemChance, systemClock } from './system-clock.js';
