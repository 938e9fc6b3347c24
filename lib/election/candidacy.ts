import { Contention } from './contention.js';
import { Departure } from './departure.js';
import { outsideAnyCall } from './gate.js';
import type { LossReason } from './leadership-term.js';
import { Lease, type Attempt, type CandidacySetup } from './lease.js';
import type { Snapshot } from './lease-store.js';
import type { Sighting, Source } from './lease-view.js';
import { release } from './release.js';
import { Renewal } from './renewal.js';
import { Standby } from './standby.js';
import { Tenure } from './tenure.js';
import { Term } from './term.js';
import { Validity } from './validity.js';

/** The replica that a candidacy stands for. */
export interface CandidacyHost {
  /** A term has begun: open the gate. */
  began(term: Term): void;
  /** Leads no more. Shuts the gate, aborts and tells before it returns; resolves when the term's work has stopped. */
  ended(term: Term, reason: LossReason): Promise<void>;
  /** A confirmed renewal may have ended the suspension of the term. */
  resumed(term: Term): void;
  holderIs(holder: string | null): void;
  /** The store answered. */
  contact(): void;
  /** Work of an earlier term outlived its drain: this replica may not lead beside it. */
  isHeldBack(): boolean;
  heldBackBy(work: Promise<void>): void;
}

/**
 * One stretch of standing for the lease, from start to stop. A single loop does the one thing that is due by what is known: at most one
 * request is under way, and whatever arrives meanwhile only changes what is due next.
 */
export class Candidacy {
  readonly finished: Promise<void>;
  private tenure: Tenure | null = null;
  private renewal: Renewal | null = null;
  private stopping: { release: boolean } | null = null;
  private wake: (() => void) | null = null;
  /** A claim that is, or may yet come to be, in the lease, while no term stands behind it. */
  private adrift: Attempt | null = null;
  private readonly lease: Lease;
  private readonly standby: Standby;
  private readonly contention: Contention;
  private readonly departure: Departure;

  constructor(
    private readonly setup: CandidacySetup,
    private readonly host: CandidacyHost,
  ) {
    this.lease = new Lease(setup, {
      seen: (...what) => this.seen(...what),
      watchBroke: () => this.watchBroke(),
      contact: () => host.contact(),
    });
    this.standby = new Standby(this.lease, setup.timings, setup.handle, setup.chance);
    this.contention = new Contention(setup, this.lease, this.standby);
    this.departure = new Departure(setup, host);
    this.lease.watch();
    this.finished = this.run();
  }

  /** The term under which work may be admitted now. */
  leading(): Term | null {
    const { tenure } = this;
    return tenure !== null && tenure.phase === 'leading' && tenure.validity.isValid() ? tenure.term : null;
  }

  /** The lease as it is held, also while it drains. */
  get held(): Tenure | null {
    return this.tenure;
  }

  /** Drains and releases, then stays out for `cooldown`. Resolves when the lease is let go, or kept because the drain timed out. */
  stepDown(cooldown: number): Promise<void> {
    return this.letGo('stepped-down', cooldown);
  }

  /** Never contends again. Resolves when nothing of it is left. */
  stop(release: boolean): Promise<void> {
    this.stopping = { release };
    this.lease.interrupt();
    void this.letGo('stopped', 0);
    this.poke();
    return this.finished;
  }

  private async run(): Promise<void> {
    const { clock, timings, trouble } = this.setup;
    while (this.stopping === null || this.tenure !== null || this.departure.isUnderWay || this.adrift !== null) {
      try {
        await this.step(clock.now());
      } catch (error) {
        // Nothing that goes wrong here may end the election: the replica would stand by for ever.
        trouble.failed(error);
        await this.pause(clock.now() + timings.retryPeriod);
      }
    }
    this.lease.close();
  }

  private step(now: number): Promise<void> {
    if (this.tenure !== null) {
      return this.tenure.phase === 'releasing' ? this.release(this.tenure) : this.hold(this.tenure, now);
    }
    if (this.stopping !== null) {
      return this.departure.isUnderWay ? this.pause(Number.POSITIVE_INFINITY) : this.abandon(this.stopping.release);
    }
    const mayContend = this.setup.candidate && !this.host.isHeldBack();
    const step = this.standby.next(now, mayContend ? this.departure.asideUntil : Number.POSITIVE_INFINITY);
    switch (step.kind) {
      case 'claim':
        return this.claim();
      case 'read':
        return this.contention.look();
      case 'probe':
        this.standby.probed(now);
        return this.lease.probe();
      case 'wait':
        return this.pause(step.until);
    }
  }

  /** What the holder does next, leading or draining. */
  private async hold(tenure: Tenure, now: number): Promise<void> {
    if (tenure.validity.isOver()) {
      this.lose(tenure, 'expired');
    } else if (now >= this.renewal!.due) {
      await this.renewal!.perform();
    } else {
      await this.pause(Math.min(this.renewal!.due, tenure.validity.expiresAt));
    }
  }

  private async claim(): Promise<void> {
    const { setup } = this;
    const result = await this.contention.claim();
    if (result === 'lost') {
      return;
    }
    this.adrift = 'adrift' in result ? result.adrift : result.attempt;
    if ('adrift' in result || this.stopping !== null) {
      return;
    }
    const validity: Validity = new Validity(setup.clock, setup.timings.renewDeadline, result.attempt.sent, {
      onExpired: () => this.lose(tenure, 'expired'),
      onSuspended: () => this.renewNow(tenure),
      onResumed: () => outsideAnyCall(() => this.host.resumed(term)),
    });
    const term = new Term(result.token, new Date(setup.clock.wall()), validity);
    const tenure = new Tenure(term, validity, result.id, result.lease, setup.timings.renewInterval, result.attempt);
    // Confirmed too late, it begins nothing; our own record is then simply replaced.
    if (validity.isValid()) {
      this.adrift = null;
      this.tenure = tenure;
      this.renewal = new Renewal(this.lease, tenure, setup.clock, setup.timings);
      outsideAnyCall(() => this.host.began(term));
    }
  }

  private async release(tenure: Tenure): Promise<void> {
    tenure.validity.end();
    await release(this.lease, tenure.id, this.setup, (until) => this.pause(until));
    this.tenure = null;
    this.departure.released();
  }

  /** Stopped with a claim adrift: nobody must wait for it to expire. */
  private async abandon(mayRelease: boolean): Promise<void> {
    const { adrift } = this;
    this.adrift = null;
    if (adrift !== null && mayRelease) {
      await release(this.lease, adrift, this.setup, (until) => this.pause(until));
    }
  }

  private seen(snapshot: Snapshot, sighting: Exclude<Sighting, 'old'>, now: number, source: Source): void {
    const { tenure } = this;
    if (sighting === 'news') {
      this.standby.news(now, source);
      if (tenure === null) {
        // A read or probe that hangs must not keep a standby from what the watch has just told.
        this.lease.interrupt();
      }
      if (!this.lease.vacancy.isOwn) {
        // What the claim was conditional on is gone: it can land no more.
        this.adrift = null;
      }
    }
    this.standby.looked(now, this.lease.watchIsLive);
    if (tenure !== null && tenure.phase !== 'releasing') {
      this.renewal!.seen();
      const verdict = tenure.judge(snapshot, now);
      if (verdict === 'confirmed') {
        this.renewal!.confirmed();
      } else if (verdict !== 'edited') {
        this.lose(tenure, verdict);
      }
    }
    this.host.holderIs(this.lease.holder);
    this.poke();
  }

  private watchBroke(): void {
    this.standby.watchBroke(this.setup.clock.now());
    this.poke();
  }

  private lose(tenure: Tenure, reason: Extract<LossReason, 'expired' | 'superseded' | 'deleted'>): void {
    if (this.tenure !== tenure || tenure.phase === 'releasing') {
      return;
    }
    this.tenure = null;
    tenure.validity.end();
    if (tenure.phase === 'leading') {
      outsideAnyCall(() => void this.host.ended(tenure.term, reason));
    }
    this.poke();
  }

  private letGo(reason: 'stepped-down' | 'stopped', cooldown: number): Promise<void> {
    const { tenure } = this;
    if (tenure?.phase === 'leading') {
      tenure.phase = 'draining';
      this.departure.begin(tenure.term, reason, cooldown, {
        drained: (inTime) => this.drained(tenure, inTime),
        gone: () => this.poke(),
      });
    }
    return this.departure.completed;
  }

  /** The work of a departing term has stopped, or has had its time. Returns whether a release follows. */
  private drained(tenure: Tenure, inTime: boolean): boolean {
    if (this.tenure !== tenure) {
      return false;
    }
    if (inTime && this.stopping?.release !== false) {
      tenure.phase = 'releasing';
      this.poke();
      return true;
    }
    // Renewed no more and not released either: undrained work may act until the term expires by the clocks, and nobody else before that.
    this.tenure = null;
    if (inTime) {
      tenure.validity.end();
    }
    return false;
  }

  private renewNow(tenure: Tenure): void {
    tenure.renewAt = this.setup.clock.now();
    this.poke();
  }

  private pause(until: number): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.setup;
      const cancel =
        until === Number.POSITIVE_INFINITY ? undefined : clock.setTimer(() => this.poke(), until - clock.now());
      this.wake = () => {
        cancel?.();
        resolve();
      };
    });
  }

  /** Something has changed: look again at what is due. */
  poke(): void {
    const { wake } = this;
    this.wake = null;
    wake?.();
  }
}
