import { Subject } from 'rxjs';
import { Candidacy } from './candidacy.js';
import type { CandidacyHost } from './candidacy-host.js';
import type { Chronicle } from './chronicle.js';
import { settlesWithin } from './deadline.js';
import { outsideAnyCall, type Gate } from './gate.js';
import type { LeadershipTerm, LossReason } from './leadership-term.js';
import type { CandidacySetup } from './lease.js';
import { Replay } from './replay.js';
import { attentive } from './standstill.js';
import type { ElectionRole } from './status.js';
import type { Term } from './term.js';
import type { TermNotices } from './term-notices.js';

export interface ReplicaSetup {
  readonly releaseOnShutdown: boolean;
  readonly candidacy: CandidacySetup;
  readonly gate: Gate;
  readonly notices: TermNotices;
  readonly chronicle: Chronicle;
}

/** One replica through its candidacies: starts and stops, and what its application hears of its terms, in which order. */
export class Replica {
  readonly leadership = new Replay(false);
  readonly term = new Replay<LeadershipTerm | null>(null);
  readonly leader = new Replay<string | null>(null);
  readonly stops = new Subject<void>();
  /** A term that the wall clock had suspended goes on; `term$` stays silent about it. */
  readonly resumes = new Subject<LeadershipTerm>();
  /** Terms so far. */
  terms = 0;
  isShutDown = false;
  contactAt: { mono: number; wall: number } | null = null;

  private readonly candidacySetup: CandidacySetup;
  private candidacy: Candidacy | null = null;
  private stopping: Promise<void> | null = null;
  private wanted = false;
  private heldBack = 0;
  private lastConfirmed: number | null = null;
  private expiredAt = Number.NEGATIVE_INFINITY;
  /** Settles when the work of the last term that ended has stopped. */
  private lastWork: Promise<void> = Promise.resolve();

  constructor(private readonly setup: ReplicaSetup) {
    const { clock, timings } = setup.candidacy;
    const attentiveClock = attentive(clock, timings.retryPeriod, (since) => this.stoodStill(since));
    this.candidacySetup = { ...setup.candidacy, clock: attentiveClock };
  }

  /** The term under which work may be admitted now. */
  leading(): Term | null {
    return this.candidacy === null ? null : this.candidacy.leading();
  }

  start(): void {
    this.wanted = !this.isShutDown;
    this.standIfWanted();
  }

  /** Resolves when the lease is let go. During a stop a start takes effect after it, unless another stop follows: the last call wins. */
  stop(): Promise<void> {
    this.wanted = false;
    const { candidacy } = this;
    if (candidacy !== null && this.stopping === null) {
      // Set before anybody is told: a subscriber that starts or stops on hearing of it meets a stop under way.
      this.stopping = candidacy.finished
        .then(() => this.outlastLostWork())
        .then(() => {
          this.candidacy = this.stopping = null;
          this.standIfWanted();
        });
      outsideAnyCall(() => void candidacy.stop(this.setup.releaseOnShutdown));
    }
    outsideAnyCall(() => this.stops.next());
    return this.stopping ?? Promise.resolve();
  }

  stepDown(cooldown: number): Promise<void> {
    return outsideAnyCall(() => this.candidacy?.stepDown(cooldown) ?? Promise.resolve());
  }

  /** From here on no start counts any more. */
  dismiss(): void {
    this.isShutDown = true;
  }

  complete(): void {
    this.leadership.complete();
    this.term.complete();
    this.leader.complete();
  }

  private standIfWanted(): void {
    if (this.wanted && this.candidacy === null) {
      outsideAnyCall(() => {
        this.candidacy = new Candidacy(this.candidacySetup, this.host);
      });
    }
  }

  /** Wall clock at the sending of the last confirmed write, for people. */
  get confirmedAt(): number | null {
    this.lastConfirmed = this.candidacy?.held?.lastConfirmedWall ?? this.lastConfirmed;
    return this.lastConfirmed;
  }

  role(): ElectionRole {
    if (this.candidacy === null) {
      return this.isShutDown ? 'stopped' : 'idle';
    }
    if (this.leading() !== null) {
      return 'leader';
    }
    // Suspended by the wall clock it leads nobody, and drains nothing either.
    return this.candidacy.held === null || this.candidacy.held.phase === 'leading' ? 'standby' : 'draining';
  }

  private readonly host: CandidacyHost = {
    began: (term) => this.began(term),
    ended: (term, reason) => (this.lastWork = this.ended(term, reason)),
    resumed: (term) => this.resumes.next(term),
    holderIs: (holder) => this.holderIs(holder),
    contact: () => (this.contactAt = this.instant()),
    isHeldBack: () => this.heldBack > 0,
    heldBackBy: (work) => this.holdBack(work),
  };

  private holderIs(holder: string | null): void {
    const { identity } = this.setup.candidacy;
    if (holder !== null && holder !== identity && holder !== this.leader.value) {
      this.setup.chronicle.standsBy(holder);
    }
    this.leader.set(holder);
  }

  private instant(): { mono: number; wall: number } {
    const { clock } = this.setup.candidacy;
    return { mono: clock.now(), wall: clock.wall() };
  }

  private get drainTimeout(): number {
    return this.setup.candidacy.timings.drainTimeout;
  }

  private began(term: Term): void {
    this.terms += 1;
    this.setup.candidacy.trouble.newTerm();
    this.setup.chronicle.leads(term.fencingToken);
    this.setup.notices.tellAcquired(term);
    this.term.set(term);
    // A subscriber may have ended it on hearing of it.
    if (!term.signal.aborted) {
      this.leadership.set(true);
    }
  }

  private ended(term: Term, reason: LossReason): Promise<void> {
    this.lastConfirmed = this.confirmedAt;
    if (reason === 'expired') {
      this.expiredAt = this.setup.candidacy.clock.now();
    }
    term.abort(reason);
    this.leadership.set(false);
    this.term.set(null);
    this.setup.chronicle.leadsNoMore(reason, term.fencingToken);
    return this.setup.notices.tellLost(term, reason).then(() => this.setup.gate.idle());
  }

  /** A standby misses nothing by it: told if it hit a leader, with what became of the term. */
  private stoodStill(since: number): void {
    const leads = this.leading() !== null;
    if (leads || this.expiredAt >= since) {
      this.setup.chronicle.stoodStill(this.setup.candidacy.clock.now() - since, leads);
    }
  }

  /** Work that goes on after an involuntary loss is drained before the application takes down what it works with. */
  private async outlastLostWork(): Promise<void> {
    if (this.heldBack === 0) {
      await settlesWithin(this.setup.candidacy.clock, this.drainTimeout, this.lastWork);
    }
  }

  private holdBack(work: Promise<void>): void {
    this.heldBack += 1;
    this.setup.chronicle.heldBack(this.setup.gate.count, this.drainTimeout);
    void work.finally(() => {
      this.heldBack -= 1;
      this.candidacy?.poke();
    });
  }
}
