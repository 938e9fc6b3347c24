import { Subject } from 'rxjs';
import type { Clock } from '../clock/clock.js';
import { settlesWithin } from '../clock/settles-within.js';
import type { LeadershipLog } from '../report/leadership-log.js';
import type { StoreHealth } from '../report/store-health.js';
import type { Gate } from './gate.js';
import type { LeadershipTerm, LossReason } from '../leadership-term.js';
import { Replay } from './replay.js';
import type { TermHandlerQueue } from './term-handlers.js';
import type { Term } from './term.js';

export interface TermAnnouncementsSetup {
  readonly identity: string;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly drainTimeout: number;
  readonly health: StoreHealth;
  readonly gate: Gate;
  readonly handlers: TermHandlerQueue;
  readonly log: LeadershipLog;
}

/** The terms of a replica as its application knows them: what it hears of them, in which order, and the work that runs under them. */
export class TermAnnouncements {
  readonly leadership = new Replay(false);
  readonly term = new Replay<LeadershipTerm | null>(null);
  readonly leader = new Replay<string | null>(null);
  /** A term that the wall clock had suspended goes on; `term` stays silent about it. */
  readonly resumes = new Subject<LeadershipTerm>();
  /** Terms so far. */
  count = 0;
  /** When a term last expired, monotonic milliseconds. */
  expiredAt = Number.NEGATIVE_INFINITY;
  /** The one that admits work, as long as its clocks agree: not while it drains. */
  private admitting: Term | null = null;
  private overdueWork = 0;
  /** Settles when the work of the last term that ended has stopped. */
  private lastWork: Promise<void> = Promise.resolve();

  constructor(
    private readonly setup: TermAnnouncementsSetup,
    /** The last work that had outlived its drain has ended. */
    private readonly onFreed: () => void,
  ) {}

  /** The term under which work may be admitted now, by the clocks at this call. */
  current(): Term | null {
    const { admitting } = this;
    return admitting !== null && admitting.validity.isValid() ? admitting : null;
  }

  /** Opens the gate and tells. */
  began(term: Term): void {
    const { health, log, handlers } = this.setup;
    this.count += 1;
    this.admitting = term;
    health.newTerm();
    log.leads(term.fencingToken);
    handlers.tellAcquired(term);
    this.term.set(term);
    // A subscriber may have ended it on hearing of it.
    if (!term.signal.aborted) this.leadership.set(true);
  }

  /** Shuts the gate, aborts and tells, in this order, before it returns. Resolves when the term's work has stopped. */
  ended(term: Term, reason: LossReason): Promise<void> {
    const { clock, log, handlers, gate } = this.setup;
    this.admitting = null;
    if (reason === 'expired') this.expiredAt = clock.now();
    term.abort(reason);
    this.leadership.set(false);
    this.term.set(null);
    log.leadsNoMore(reason, term.fencingToken);
    return (this.lastWork = handlers.tellLost(term, reason).then(() => gate.idle()));
  }

  resumed(term: Term): void {
    this.resumes.next(term);
  }

  holderIs(holder: string | null): void {
    if (holder !== null && holder !== this.setup.identity && holder !== this.leader.value)
      this.setup.log.standsBy(holder);
    this.leader.set(holder);
  }

  /** Work of an earlier term outlived its drain: this replica may not lead beside it. */
  get isHeldBack(): boolean {
    return this.overdueWork > 0;
  }

  holdBack(work: Promise<void>): void {
    const { log, gate, drainTimeout } = this.setup;
    this.overdueWork += 1;
    log.heldBack(gate.count, drainTimeout);
    void work.finally(() => {
      this.overdueWork -= 1;
      this.onFreed();
    });
  }

  /** Work that goes on after an involuntary loss is drained before the application takes down what it works with. */
  async outlastLostWork(): Promise<void> {
    if (!this.isHeldBack) await settlesWithin(this.setup.clock, this.setup.drainTimeout, this.lastWork);
  }

  complete(): void {
    this.leadership.complete();
    this.term.complete();
    this.leader.complete();
  }
}
