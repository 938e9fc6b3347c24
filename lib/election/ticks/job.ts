import type { LeadershipTerm } from '../leadership-term.js';

/** The instants at which a job falls due. All are milliseconds since the epoch. */
export interface TickSchedule {
  /** Tells one schedule from another: after a change of it, nothing that fell due before counts as missed. At most 64 characters. */
  readonly id: string;
  /** The first instant after `instant`, `null` if there is none. Depends on nothing else, and is always later than `instant`. */
  next(instant: number): number | null;
  /** The last instant at or before `instant`, `null` if there is none. Looked for backwards: a job of each second may have missed a weekend. */
  newest(instant: number): number | null;
}

/** A job whose ticks the leader starts, each once, and makes up for where nobody led. */
export interface TickJob {
  /** Unique in its election. The lease keeps account under it: a renamed job is a new one. */
  readonly name: string;
  readonly schedule: TickSchedule;
  /** 1: a tick never starts twice. More: it starts again after a crash, at most so often. */
  readonly attempts: number;
  /** How old, in milliseconds, a tick may be that fell due while nobody led, to be made up for. `true`: any age; `false`: none is. */
  readonly catchUp: boolean | number;
  /** The work of one tick, as admitted work of its term. A promise settles with the work. */
  run(tick: CronTick): unknown;
}

/** One instant of a job, as its handler gets it. */
export interface CronTick {
  /** Of the job. */
  readonly name: string;
  /** The instant that the expression means: not when it started. */
  readonly scheduledAt: Date;
  /**
   * The tick before this one: with one attempt the last that was started, with more the last that was settled. `null`: none is known.
   * What lies between the two, `scheduledAt` included, is this tick's to do.
   */
  readonly previous: Date | null;
  /** 1 at first; counts the terms that have begun it, or an unfinished tick that it replaces. */
  readonly attempt: number;
  /** The term that runs it. */
  readonly term: LeadershipTerm;
}
