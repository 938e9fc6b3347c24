import type { CandidacyHost } from './candidacy-host.js';
import type { WonClaim } from './contention.js';
import { Departure } from './departure.js';
import { outsideAnyCall } from './gate.js';
import type { LossReason } from './leadership-term.js';
import type { CandidacySetup, Lease } from './lease.js';
import type { Snapshot } from './lease-store.js';
import type { Pacer } from './pacer.js';
import { release } from './release.js';
import { Renewal } from './renewal.js';
import { Tenure } from './tenure.js';
import { Term } from './term.js';
import { Validity } from './validity.js';

/** Holding the lease: from the claim that begins a term, through its renewals, to its loss or release. */
export class Incumbency {
  readonly departure: Departure;
  /** Whether a drained term's lease is released; else it is left to expire. */
  releases = true;
  private tenure: Tenure | null = null;
  private renewal: Renewal | null = null;

  constructor(
    private readonly setup: CandidacySetup,
    private readonly lease: Lease,
    private readonly host: CandidacyHost,
    private readonly pacer: Pacer,
  ) {
    this.departure = new Departure(setup, host);
  }

  /** The lease as it is held, also while it drains. */
  get held(): Tenure | null {
    return this.tenure;
  }

  /** The term under which work may be admitted now. */
  leading(): Term | null {
    const { tenure } = this;
    return tenure !== null && tenure.phase === 'leading' && tenure.validity.isValid() ? tenure.term : null;
  }

  /** Begins a term. False if the claim was confirmed too late to begin anything. */
  begin({ attempt, id, lease, token }: WonClaim): boolean {
    const { clock, timings } = this.setup;
    const validity: Validity = new Validity(clock, timings.renewDeadline, attempt.sent, {
      onExpired: () => this.lose(tenure, 'expired'),
      onSuspended: () => this.renewNow(tenure),
      onResumed: () => outsideAnyCall(() => this.host.resumed(term)),
    });
    const term = new Term(token, new Date(clock.wall()), validity);
    const tenure = new Tenure(term, validity, id, lease, timings.renewInterval, attempt);
    if (!validity.isValid()) {
      return false;
    }
    this.tenure = tenure;
    this.renewal = new Renewal(this.lease, tenure, clock, timings);
    outsideAnyCall(() => this.host.began(term));
    return true;
  }

  /** What the holder does next, leading, draining or letting go. */
  step(tenure: Tenure, now: number): Promise<void> {
    if (tenure.phase === 'releasing') {
      return this.release(tenure);
    }
    if (tenure.validity.isOver()) {
      this.lose(tenure, 'expired');
      return Promise.resolve();
    }
    return now >= this.renewal!.due
      ? this.renewal!.perform()
      : this.pacer.pause(Math.min(this.renewal!.due, tenure.validity.expiresAt));
  }

  /** What has been seen of the lease may confirm the term, or end it at once. */
  seen(snapshot: Snapshot, now: number): void {
    const { tenure } = this;
    if (tenure === null || tenure.phase === 'releasing') {
      return;
    }
    this.renewal!.seen();
    const verdict = tenure.judge(snapshot, now);
    if (verdict === 'confirmed') {
      this.renewal!.confirmed();
    } else if (verdict !== 'edited') {
      this.lose(tenure, verdict);
    }
  }

  /** Drains and releases. Shuts the gate before it returns; resolves when the lease is let go, or kept because the drain timed out. */
  letGo(reason: 'stepped-down' | 'stopped', cooldown: number): Promise<void> {
    const { tenure } = this;
    if (tenure?.phase === 'leading') {
      tenure.phase = 'draining';
      this.departure.begin(tenure.term, reason, cooldown, {
        drained: (inTime) => this.drained(tenure, inTime),
        gone: () => this.pacer.poke(),
      });
    }
    return this.departure.completed;
  }

  private async release(tenure: Tenure): Promise<void> {
    tenure.validity.end();
    await release(this.lease, tenure.id, this.setup, (until) => this.pacer.pause(until));
    this.tenure = null;
    this.departure.released();
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
    this.pacer.poke();
  }

  /** The work of a departing term has stopped, or has had its time. Returns whether a release follows. */
  private drained(tenure: Tenure, inTime: boolean): boolean {
    if (this.tenure !== tenure) {
      return false;
    }
    if (inTime && this.releases) {
      tenure.phase = 'releasing';
      this.pacer.poke();
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
    this.pacer.poke();
  }
}
