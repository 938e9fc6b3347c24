import type { Clock } from '../clock/clock.js';
import { LeaseStoreError } from '../errors.js';
import type { Snapshot } from '../lease-store.js';
import type { StoreHealth } from '../report/store-health.js';
import type { Term } from '../work/term.js';
import type { TickJob } from './job.js';
import { DueTicks } from './due-ticks.js';
import {
  decodeLedger,
  EMPTY_LEDGER,
  encodeLedger,
  entryBytes,
  makeRoom,
  type JobEntry,
  type Ledger,
} from './ledger.js';
import { openingLedger, settle } from './opening-ledger.js';
import {
  adopted,
  claimed,
  isClaimOf,
  isFarAhead,
  isUnfinished,
  newEntry,
  type Ruling,
  type TickLook,
} from './tick-rules.js';
import type { PendingClaim, TickScheduler } from './tick-scheduler.js';

/** No timer is longer: a wall clock that is set tells nobody. */
const LONGEST_LOOK = 30_000;

const NEVER: TicksDue = { writeAt: Number.POSITIVE_INFINITY, lookAt: Number.POSITIVE_INFINITY };

/** Monotonic instants: from when on ticks ask for a write, and when to look again. */
export interface TicksDue {
  readonly writeAt: number;
  readonly lookAt: number;
}

export interface TermLedgerSetup {
  readonly clock: Clock;
  readonly health: StoreHealth;
  /** Milliseconds. */
  readonly renewInterval: number;
  /** Whether work of the term may begin now. */
  readonly isAdmitting: () => boolean;
}

/**
 * The account of ticks during one term. Each write's ledger is made anew from what was last confirmed and what has happened since, never
 * from an attempt that may not have landed; a claim starts only when a record of this term has shown it.
 */
export class TermLedger {
  /** What the lease is known to say. */
  private confirmed: Ledger;
  private text: string | undefined;
  /** What the next write is made from: differs from `confirmed` until the term's first ledger stands. */
  private base: Ledger;
  private isOpen: boolean;
  /** What was sent since the last confirmation: one of these may stand in the lease. */
  private readonly sent = new Map<string, Ledger>();
  /** A write with a changed ledger has failed: the next goes without the change, so that no ledger costs the lease. */
  private isPlainNext = false;
  private changesFrom = Number.NEGATIVE_INFINITY;
  private readonly due: DueTicks;
  private readonly overdue = new Map<string, number>();
  /** What was told of this term: a write that has to be made again says it once. */
  private readonly told = new Set<string>();
  /** Jobs whose accounts do not fit: they ask for no write of their own. */
  private readonly full = new Set<string>();
  /** New jobs count from here on at the earliest: somebody may have run them under a ledger that is lost. */
  private readonly countsFrom: number;

  constructor(
    private readonly scheduler: TickScheduler,
    readonly term: Term,
    private readonly termId: string,
    snapshot: Snapshot,
    sentText: string | undefined,
    private readonly setup: TermLedgerSetup,
  ) {
    const { lease } = snapshot;
    const beganAt = setup.clock.wall();
    this.due = new DueTicks(beganAt, (job, tick) => scheduler.missed(job, tick));
    this.text = lease!.record.ledger;
    const shown = decodeLedger(this.text);
    this.confirmed = shown ?? EMPTY_LEDGER;
    const stands = sentText !== undefined && sentText === this.text;
    const isOld = stands || (shown !== null && scheduler.continues(lease));
    this.countsFrom = isOld ? Number.NEGATIVE_INFINITY : scheduler.storeTime.lastClaimable;
    this.base = stands ? this.confirmed : openingLedger(scheduler, lease, beganAt);
    this.isOpen = stands || this.base.size === 0 || encodeLedger(this.base) === this.text;
    if (stands) scheduler.wrote(this.confirmed, snapshot);
  }

  /** Looks at the jobs at this monotonic instant: starts what may start, and finds out when they want something written. */
  look(mono: number): TicksDue {
    const { clock } = this.setup;
    if (this.term.signal.aborted)
      return this.unstarted().length > 0 ? { ...NEVER, writeAt: this.notBefore(mono) } : NEVER;
    if (this.scheduler.jobs.size === 0 && this.scheduler.deleted.size === 0) return NEVER;
    if (!this.setup.isAdmitting()) return { writeAt: Number.POSITIVE_INFINITY, lookAt: mono + LONGEST_LOOK };
    this.startConfirmed();
    const disagreement = this.scheduler.storeTime.disagreement();
    if (disagreement !== null) {
      this.setup.health.failed('ticks', disagreement);
      return { writeAt: Number.POSITIVE_INFINITY, lookAt: mono + LONGEST_LOOK };
    }
    if (this.isOpen) this.setup.health.ticksAreFree();
    const wall = clock.wall();
    let next = mono + LONGEST_LOOK;
    let isDue = !this.isOpen;
    for (const job of this.scheduler.jobs.values()) {
      const at = this.dueAt(job, wall);
      if (at <= wall) isDue = true;
      next = Math.min(next, mono + Math.max(0, at - wall));
    }
    return isDue
      ? { writeAt: this.notBefore(mono), lookAt: mono + LONGEST_LOOK }
      : { writeAt: Number.POSITIVE_INFINITY, lookAt: next };
  }

  /** The ledger of the next write of this term; `undefined`: the lease keeps what it has. */
  ofRenewal(): string | undefined {
    if (this.isPlainNext) return this.text;
    const ledger = new Map(this.base);
    const look = this.lookAt(this.setup.clock.wall());
    // Claimed while the clocks were wrong, and not started: what fell due before is still to be run.
    const isOver = ({ term, scheduledAt }: PendingClaim): boolean =>
      term !== this.termId || this.term.signal.aborted || isFarAhead(scheduledAt, look);
    settle(this.scheduler, ledger, isOver);
    for (const name of this.scheduler.deleted) ledger.delete(name);
    if (!this.term.signal.aborted && this.setup.isAdmitting() && this.scheduler.storeTime.disagreement() === null) {
      this.adopt(ledger);
      if (this.isOpen) this.claim(ledger);
    }
    if (ledger.size === 0 && this.text === undefined) return undefined;
    const text = encodeLedger(ledger);
    this.sent.set(text, ledger);
    return text;
  }

  /** A write of this term that brought `sentText` stands in the lease, as `snapshot` shows. */
  wasConfirmed(sentText: string | undefined, snapshot: Snapshot): void {
    const shown = snapshot.lease!.record.ledger;
    this.isPlainNext = false;
    if (sentText === undefined) return this.scheduler.deleted.clear();
    if (shown !== sentText) {
      // Stripped on the way, or edited by hand since. A claim that nobody else can see starts nothing.
      this.setup.health.failed('ticks', LEDGER_LOST);
      this.changesFrom = this.setup.clock.now() + this.setup.renewInterval;
      return;
    }
    if (sentText !== this.text) {
      this.confirmed = this.base = this.sent.get(sentText) ?? decodeLedger(sentText)!;
      this.text = sentText;
      this.isOpen = true;
    }
    this.sent.clear();
    for (const name of this.scheduler.deleted) if (!this.confirmed.has(name)) this.scheduler.deleted.delete(name);
    this.scheduler.wrote(this.confirmed, snapshot);
    this.startConfirmed();
  }

  /** A write that brought `sentText` has failed, as far as is known. */
  hasFailed(sentText: string | undefined): void {
    if (sentText === this.text) return;
    this.isPlainNext = true;
    this.changesFrom = this.setup.clock.now() + this.setup.renewInterval;
  }

  /** The ledger of the release of a record that says `shown`: with what the drain has done, and without what never started. */
  ofRelease(shown: string | undefined): string | undefined {
    const standing = shown !== undefined && shown !== this.text ? this.sent.get(shown) : undefined;
    const ledger = new Map(standing ?? this.confirmed);
    settle(this.scheduler, ledger, () => true);
    return ledger.size === 0 && shown === undefined ? undefined : encodeLedger(ledger);
  }

  private notBefore(mono: number): number {
    return Math.max(mono, this.changesFrom);
  }

  /** Claims of ours that stand in the lease, and have not started. */
  private unstarted(): PendingClaim[] {
    return this.scheduler.claims.filter((claim) => {
      const entry = this.confirmed.get(claim.job);
      return entry !== undefined && isClaimOf(entry, claim);
    });
  }

  /** By the clock at the start: it may have been set back since the claim. */
  private startConfirmed(): void {
    if (!this.setup.isAdmitting()) return;
    const wall = this.setup.clock.wall();
    const ready = this.unstarted().filter((claim) => claim.term === this.termId && claim.scheduledAt <= wall);
    if (ready.length > 0) this.scheduler.start(ready, this.term);
  }

  /** The wall-clock instant at which the job wants something written: now or earlier, if it does now. */
  private dueAt(job: TickJob, wall: number): number {
    const entry = this.base.get(job.name);
    if (this.scheduler.isRunning(job.name)) return this.overdueAt(job, entry, wall);
    if (this.full.has(job.name)) return Number.POSITIVE_INFINITY;
    if (entry === undefined || adopted(entry, job, this.lookAt(wall)).entry !== entry) return wall;
    if (isUnfinished(entry) && entry.claim!.term !== this.termId && entry.mark <= wall) return wall;
    // What is too old to be made up for asks for nothing.
    return this.due.newest(job, entry, wall) === null ? (this.due.next(job, entry) ?? Infinity) : wall;
  }

  /** While the job runs nothing of it is claimed; a tick that waits for longer than a period is told. */
  private overdueAt(job: TickJob, entry: JobEntry | undefined, wall: number): number {
    const waits = entry === undefined ? null : this.due.after(job, entry.mark);
    if (waits === null || this.overdue.get(job.name) === waits) return Number.POSITIVE_INFINITY;
    const after = job.schedule.next(waits);
    if (after === null) return Number.POSITIVE_INFINITY;
    if (wall <= after) return after + 1;
    this.overdue.set(job.name, waits);
    this.scheduler.overdue(job.name, waits);
    return Number.POSITIVE_INFINITY;
  }

  private adopt(ledger: Map<string, JobEntry>): void {
    const { scheduler } = this;
    const look = this.lookAt(this.setup.clock.wall());
    for (const job of scheduler.jobs.values()) {
      if (scheduler.isRunning(job.name)) continue;
      const entry = ledger.get(job.name);
      const from = Math.max(look.now, this.countsFrom);
      this.put(ledger, job, entry === undefined ? { entry: newEntry(job, from) } : adopted(entry, job, look), look.now);
    }
    for (const [name, entry] of ledger) {
      if (!scheduler.jobs.has(name) && entry.orphanedAt === null)
        ledger.set(name, { ...entry, orphanedAt: Math.floor(look.now) });
    }
  }

  private claim(ledger: Map<string, JobEntry>): void {
    const { scheduler } = this;
    const wall = this.setup.clock.wall();
    for (const job of scheduler.jobs.values()) {
      const entry = ledger.get(job.name);
      if (entry === undefined || scheduler.isRunning(job.name)) continue;
      const missedFrom = this.due.missedFrom(job, entry);
      const newest = this.due.newest(job, entry, wall);
      const ruling = claimed(entry, job, newest, this.lookAt(wall));
      if (ruling.entry === entry || !this.put(ledger, job, ruling, wall) || ruling.entry.claim === null) continue;
      scheduler.claim({
        job: job.name,
        scheduledAt: ruling.entry.mark,
        term: this.termId,
        before: entry,
        previous: entry.done,
        attempts: job.attempts,
        attempt: ruling.entry.claim.used,
        missedFrom: newest === null ? null : missedFrom,
      });
    }
  }

  /** Whether it fits. A job that does not is refused by name, and the others go on. */
  private put(ledger: Map<string, JobEntry>, job: TickJob, ruling: Ruling, wall: number): boolean {
    const before = ledger.get(job.name);
    if (ruling.entry === before) return true;
    const grows = entryBytes(job.name, ruling.entry) - (before === undefined ? 0 : entryBytes(job.name, before));
    if (grows > 0 && !makeRoom(ledger, grows, wall)) {
      this.full.add(job.name);
      this.scheduler.refused(job.name, ruling.entry.mark);
      return false;
    }
    if (this.full.delete(job.name)) this.scheduler.fits(job.name);
    const { abandoned, wasReset } = ruling;
    if (abandoned !== undefined && this.isNews(`${job.name} ${abandoned}`))
      this.scheduler.abandoned(job.name, abandoned);
    if (wasReset === true && this.isNews(`${job.name} reset ${before!.mark}`))
      this.scheduler.wasReset(job.name, before!.mark);
    ledger.set(job.name, ruling.entry);
    return true;
  }

  private isNews(what: string): boolean {
    const isNew = !this.told.has(what);
    this.told.add(what);
    return isNew;
  }

  private lookAt(now: number): TickLook {
    return { now: Math.floor(now), storeNow: this.scheduler.storeTime.now(), term: this.termId };
  }
}

const LEDGER_LOST = new LeaseStoreError(
  'STORE_BAD_DATA',
  'The lease store does not keep the ledger of jobs: no tick starts.',
  {
    advice:
      'On Kubernetes an admission policy or webhook takes the annotation nestjs-leader/ledger out: let it pass. A store of your own must keep LeaseRecord.ledger; its contract kit tells.',
  },
);
