import { Subject } from 'rxjs';
import type { Clock } from '../clock/clock.js';
import { LeaderElectionConfigError, LeaderElectionError } from '../errors.js';
import type { LeadershipTerm } from '../leadership-term.js';
import type { Snapshot } from '../lease-store.js';
import type { ElectionLog } from '../report/election-log.js';
import { inWords, quoted, stackOf } from '../report/quoted.js';
import type { JobStatus } from '../report/status.js';
import type { StoreHealth } from '../report/store-health.js';
import type { Gate } from '../work/gate.js';
import { outsideAnyCall } from '../work/outside-any-call.js';
import type { CronTick, TickJob } from './job.js';
import { decodeLedger, EMPTY_LEDGER, type JobEntry, type Ledger } from './ledger.js';
import { StoreTime } from './store-time.js';
import { covers, isClaimOf, isSettled, type FinishedRun, type UnstartedClaim } from './tick-rules.js';

/**
 * What became of a tick. `started` comes first, then one of `done`, `failed` (the handler rejected) and `cut-short` (it rejected after its
 * term had ended). `abandoned`: its last attempt has not finished it. `missed`: too old to be made up for. `overdue`: waits for the run
 * before it for longer than a period. `refused`: its account does not fit into the lease.
 */
export type TickOutcome =
  'started' | 'done' | 'failed' | 'cut-short' | 'abandoned' | 'missed' | 'overdue' | 'refused' | 'reset';

/** Told to whoever observes the elector. */
export interface TickEvent {
  readonly job: string;
  /** Milliseconds since the epoch. */
  readonly scheduledAt: number;
  readonly outcome: TickOutcome;
  /** Of `started`: milliseconds from the instant of the tick to its start. */
  readonly lateness?: number;
  /** Of `done`, `failed` and `cut-short`: milliseconds from its start. */
  readonly duration?: number;
}

/** A tick that runs here, or has run and is not known to be written down. */
export interface Run extends FinishedRun {
  readonly job: string;
  readonly isOpen: boolean;
  /** A tick has waited for its end, for longer than a period. */
  readonly keptWaiting: boolean;
}

/** A claim of ours that has not started. */
export interface PendingClaim extends UnstartedClaim {
  readonly job: string;
  readonly previous: number | null;
  readonly attempts: number;
  readonly attempt: number;
  /** The first tick that it makes up for, if nobody led when that fell due. */
  readonly missedFrom: number | null;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface TickSchedulerSetup {
  readonly election: string;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly health: StoreHealth;
  readonly log: ElectionLog;
}

/**
 * The jobs of a replica, the ticks of them that it runs, and the newest account of them that it has seen. It outlives terms: work that is
 * still running when its term is over keeps its job from being claimed again here, and what it has done is written down by a later term.
 */
export class TickScheduler {
  readonly storeTime: StoreTime;
  readonly events = new Subject<TickEvent>();
  readonly changes = new Subject<void>();
  readonly jobs = new Map<string, TickJob>();
  /** Jobs that the application has deleted: their accounts go with the next write. */
  readonly deleted = new Set<string>();
  private runs: Writable<Run>[] = [];
  private unstarted: PendingClaim[] = [];
  private seen: { readonly ledger: Ledger; readonly uid: string; readonly token: bigint } | null = null;
  private hasGoneBack = false;
  private readonly lastRuns = new Map<string, NonNullable<JobStatus['lastRun']>>();
  private readonly problems = new Map<string, string>();

  constructor(private readonly setup: TickSchedulerSetup) {
    this.storeTime = new StoreTime(setup.clock);
  }

  /**
   * Adds a job. Returns the way to take it off; what the lease keeps of it stays.
   * @throws LeaderElectionConfigError when there is one of that name
   */
  add(job: TickJob): () => void {
    if (this.jobs.has(job.name)) {
      throw new LeaderElectionConfigError(
        `Two jobs of the election "${this.setup.election}" are named "${quoted(job.name)}".`,
        'Give each a name of its own: the lease keeps account of a job under it.',
      );
    }
    this.jobs.set(job.name, job);
    this.deleted.delete(job.name);
    this.changes.next();
    return () => {
      if (this.jobs.get(job.name) === job) this.forget(job.name);
    };
  }

  /** Takes a job off, and its account out of the lease. */
  delete(name: string): boolean {
    const isKnown = this.forget(name);
    if (isKnown) this.deleted.add(name);
    this.changes.next();
    return isKnown;
  }

  /** An application may name its jobs after its customers: nothing of one that is gone may stay. */
  private forget(name: string): boolean {
    this.lastRuns.delete(name);
    this.problems.delete(name);
    return this.jobs.delete(name);
  }

  // --- what was seen of the lease

  /** A state of the lease that is believed. While this replica holds it, its account is what it has confirmed. */
  saw({ lease, token, storeTime }: Snapshot, isHeld: boolean): void {
    if (storeTime !== undefined) this.storeTime.saw(storeTime);
    if (isHeld) return;
    if (this.seen !== null && token < this.seen.token) this.hasGoneBack = true;
    const ledger = decodeLedger(lease?.record.ledger);
    if (lease === null || ledger === null) return;
    // Of a lease made anew, or from before: it counts once somebody has taken up what was remembered.
    if (!this.continues(lease) && !covers(ledger, this.remembered, this.storeTime.lastClaimable)) return;
    this.wrote(ledger, { lease, token });
  }

  /** The newest ledger that was seen, of the lease before this one if it was made anew. */
  get remembered(): Ledger {
    return this.seen?.ledger ?? EMPTY_LEDGER;
  }

  /** Whether the lease goes on where the remembered ledger ends: the same lease, which never went back in time. */
  continues(lease: Snapshot['lease']): boolean {
    return !this.hasGoneBack && (this.seen === null || lease?.uid === this.seen.uid);
  }

  /** A ledger that takes up what was remembered stands in the lease. */
  wrote(ledger: Ledger, { lease, token }: Snapshot): void {
    this.hasGoneBack = false;
    this.seen = { ledger, uid: lease!.uid, token };
    this.forgetWritten(ledger);
  }

  // --- runs

  /** Whether a tick of the job runs in this process, of whatever term. */
  isRunning(job: string): boolean {
    return this.runs.some((run) => run.job === job && run.isOpen);
  }

  /** What is to be written down of a job. */
  finished(job: string): readonly Run[] {
    return this.runs.filter((run) => run.job === job && !run.isOpen);
  }

  get claims(): readonly PendingClaim[] {
    return this.unstarted;
  }

  claim(claim: PendingClaim): void {
    // Claimed anew after it was refused or taken back: what it would be taken back to now is the entry of now.
    this.unstarted = this.unstarted.filter((one) => one.job !== claim.job || !isSameTick(one, claim));
    this.unstarted.push(claim);
  }

  /** Starts the ticks of confirmed claims, as admitted work of their term. */
  start(claims: readonly PendingClaim[], term: LeadershipTerm): void {
    this.unstarted = this.unstarted.filter((claim) => !claims.includes(claim));
    const late = claims.filter(({ missedFrom }) => missedFrom !== null);
    if (late.length > 0) this.setup.log.log(`${this.setup.election}: ${madeUpFor(late)}`);
    for (const claim of claims) this.run(claim, term);
  }

  private run(claim: PendingClaim, term: LeadershipTerm): void {
    const { clock, gate } = this.setup;
    const { job: name, scheduledAt, attempts, attempt, previous } = claim;
    const job = this.jobs.get(name);
    if (job === undefined) return;
    const run: Writable<Run> = {
      job: name,
      scheduledAt,
      term: claim.term,
      attempts,
      isOpen: true,
      keptWaiting: false,
      wasCutShort: false,
    };
    this.runs.push(run);
    const startedAt = clock.wall();
    const began = clock.now();
    const lateness = Math.max(0, startedAt - scheduledAt);
    this.events.next({ job: name, scheduledAt, outcome: 'started', lateness });
    const record = { scheduledAt: timeOf(scheduledAt), startedAt: timeOf(startedAt), lateness };
    this.lastRuns.set(name, { ...record, outcome: 'running' });
    const end = (outcome: 'done' | 'failed' | 'cut-short') => {
      run.isOpen = false;
      run.wasCutShort = outcome === 'cut-short';
      const duration = clock.now() - began;
      if (this.jobs.has(name)) this.lastRuns.set(name, { ...record, outcome, duration });
      if (!run.keptWaiting && this.problems.get(name) === OVERDUE) this.problems.delete(name);
      this.events.next({ job: name, scheduledAt, outcome, duration });
      this.changes.next();
    };
    const tick: CronTick = {
      name,
      scheduledAt: new Date(scheduledAt),
      previous: previous === null ? null : new Date(previous),
      attempt,
      term,
    };
    // The rejection is handled here: a handler that fails must not end the process.
    outsideAnyCall(() => gate.track(term, () => settling(() => job.run(tick)))).then(
      () => end('done'),
      (cause: unknown) => {
        const isCutShort = term.signal.aborted;
        end(isCutShort ? 'cut-short' : 'failed');
        if (!isCutShort) this.tellFailed(name, scheduledAt, cause);
      },
    );
  }

  // --- troubles

  /** Told once per tick. */
  abandoned(job: string, scheduledAt: number): void {
    this.setup.log.error(
      `${this.setup.election}: the tick of ${timeOf(scheduledAt)} of the job "${quoted(job)}" was begun as often as it may be, and never finished. It is given up.`,
    );
    this.events.next({ job, scheduledAt, outcome: 'abandoned' });
  }

  missed(job: string, scheduledAt: number): void {
    this.setup.log.warn(
      `${this.setup.election}: the tick of ${timeOf(scheduledAt)} of the job "${quoted(job)}" was missed, and is too old to be made up for.`,
    );
    this.events.next({ job, scheduledAt, outcome: 'missed' });
  }

  wasReset(job: string, mark: number): void {
    this.setup.log.warn(
      `${this.setup.election}: the lease says that the job "${quoted(job)}" has run until ${timeOf(mark)}, which no clock has reached. It counts from now on again; ticks since then may run twice.`,
    );
    this.events.next({ job, scheduledAt: mark, outcome: 'reset' });
  }

  /** Told when it begins: a job whose runs always last longer than its period would fill the log. */
  overdue(job: string, scheduledAt: number): void {
    for (const run of this.runs) if (run.job === job && run.isOpen) run.keptWaiting = true;
    if (this.problems.get(job) !== OVERDUE) {
      this.setup.log.error(
        `${this.setup.election}: the tick of ${timeOf(scheduledAt)} of the job "${quoted(job)}" has waited for longer than a period: the run before it has not ended.`,
      );
    }
    this.problems.set(job, OVERDUE);
    this.events.next({ job, scheduledAt, outcome: 'overdue' });
  }

  refused(job: string, scheduledAt: number): void {
    if (this.problems.get(job) === FULL) return;
    this.setup.log.error(
      `${this.setup.election}: the account of the job "${quoted(job)}" does not fit into the lease: it does not run. Delete jobs that are no more, or split the jobs over several elections.`,
    );
    this.problems.set(job, FULL);
    this.events.next({ job, scheduledAt, outcome: 'refused' });
  }

  fits(job: string): void {
    if (this.problems.get(job) === FULL) this.problems.delete(job);
  }

  status(): JobStatus[] {
    const wall = this.setup.clock.wall();
    return [...this.jobs.values()].map(({ name, schedule, attempts }) => {
      const entry = this.remembered.get(name);
      const next = schedule.next(Math.max(wall, entry?.mark ?? wall));
      return {
        name,
        attempts,
        next: next === null ? null : timeOf(next),
        last: entry?.done == null ? null : timeOf(entry.done),
        isRunning: this.isRunning(name),
        lastRun: this.lastRuns.get(name) ?? null,
        problem: this.problems.get(name) ?? null,
      };
    });
  }

  private tellFailed(job: string, scheduledAt: number, cause: unknown): void {
    this.setup.health.handlerFailed(
      new LeaderElectionError(
        'HANDLER_FAILED',
        `The tick of ${timeOf(scheduledAt)} of the job "${quoted(job)}" failed: ${stackOf(cause) ?? inWords(cause)}`,
        'A tick that fails is not run again. Retry inside the handler, or hand the work to a queue.',
        { cause },
      ),
    );
  }

  /** What a believed ledger shows needs no writing any more. A claim that another has replaced can neither start nor be taken back. */
  private forgetWritten(ledger: Ledger): void {
    this.runs = this.runs.filter((run) => run.isOpen || !isWritten(ledger.get(run.job), run));
    this.unstarted = this.unstarted.filter((claim) => {
      const entry = ledger.get(claim.job);
      return entry !== undefined && (entry.mark < claim.scheduledAt || isClaimOf(entry, claim));
    });
  }
}

const OVERDUE = 'The run before has not ended, and the next tick has waited for longer than a period.';
const FULL = 'Its account does not fit into the lease.';

function isWritten(entry: JobEntry | undefined, run: Run): boolean {
  return entry === undefined || isSettled(entry, run);
}

function isSameTick(a: UnstartedClaim, b: UnstartedClaim): boolean {
  return a.term === b.term && a.scheduledAt === b.scheduledAt;
}

/** What a job returns, as a promise; what it throws, as its rejection. */
async function settling(work: () => unknown): Promise<unknown> {
  return work();
}

const MOST_NAMED = 5;

function madeUpFor(claims: readonly PendingClaim[]): string {
  const named = claims.slice(0, MOST_NAMED).map(({ job, missedFrom, scheduledAt }) => {
    const since = missedFrom === scheduledAt ? '' : `${timeOf(missedFrom!)} to `;
    return `"${quoted(job)}" (${since}${timeOf(scheduledAt)})`;
  });
  const others = claims.length > MOST_NAMED ? ` and ${claims.length - MOST_NAMED} more` : '';
  return `nobody led when jobs fell due, which run once now instead: ${named.join(', ')}${others}.`;
}

/** A ledger may hold what no date can say. */
function timeOf(wall: number): string {
  const at = new Date(wall);
  return Number.isNaN(at.getTime()) ? 'unknown' : at.toISOString();
}
