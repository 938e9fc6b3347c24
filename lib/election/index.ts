/**
 * The election without Nest.
 *
 * @module nestjs-leader/election
 */

export type { CancelTimer, Chance, Clock } from './clock/clock.js';
export * from './errors.js';
export type { Exit, LastRequest, Leaver } from './exit/exit.js';
export type { LeadershipTerm, LossReason } from './leadership-term.js';
export type { LeaseRecord } from './lease-record.js';
export type { LeaseHandle, LeaseStore, Snapshot, StoredLease, WriteOutcome } from './lease-store.js';
export type { ElectionLog } from './report/election-log.js';
export type { ElectionOptions } from './options.js';
export type { Timings } from './rules/timings.js';
export type { Election, RunOptions, TermHandlers } from './election.js';
export type { ElectionFailure, ElectionRole, ElectionStatus, JobStatus } from './report/status.js';
export type { CronTick, TickJob, TickSchedule } from './ticks/job.js';
export type { TickEvent, TickOutcome } from './ticks/tick-scheduler.js';
export { LeaderElector, type LeaderElectorSetup } from './elector.js';
export { systemChance, systemClock } from './clock/system-clock.js';
