import type { Chance } from './clock.js';
import type { Lease } from './lease.js';
import type { LeaseHandle } from './lease-store.js';
import type { Source } from './lease-view.js';
import { Rhythm } from './rhythm.js';
import { TakeoverWindow } from './takeover-window.js';
import type { Timings } from './timings.js';

export type StandbyStep = { kind: 'read' } | { kind: 'probe' } | { kind: 'claim' } | { kind: 'wait'; until: number };

/** What a replica that does not lead does next. */
export class Standby {
  /** No request before this instant: a failure was just seen. */
  private notBefore = Number.NEGATIVE_INFINITY;
  /** The store asked to be left alone until then. */
  private refusedUntil = Number.NEGATIVE_INFINITY;
  private readAt = Number.NEGATIVE_INFINITY;
  private probeAt = Number.NEGATIVE_INFINITY;
  private claimAt: number | null = null;
  /** A write showed that what is known is out of date: nothing is claimed on the strength of it. */
  private outdated = false;
  private readonly rhythm: Rhythm;
  private readonly window: TakeoverWindow;
  private readonly probeInterval: number | null;

  constructor(
    private readonly lease: Lease,
    private readonly timings: Timings,
    handle: LeaseHandle,
    private readonly chance: Chance,
  ) {
    this.rhythm = new Rhythm(timings, chance);
    this.window = new TakeoverWindow(chance);
    this.probeInterval = handle.isHolderGone === undefined ? null : (handle.holderProbeInterval ?? 0);
  }

  /** `contendFrom`: from when on this replica may claim the lease; Infinity: it only looks. */
  next(now: number, contendFrom: number): StandbyStep {
    if (now < this.notBefore) {
      return { kind: 'wait', until: this.notBefore };
    }
    const claimFrom = this.claimFrom(now, contendFrom);
    if (now >= claimFrom) {
      return { kind: 'claim' };
    }
    if (now >= this.readAt) {
      return { kind: 'read' };
    }
    const probeFrom = this.probeFrom(now, contendFrom);
    if (now >= probeFrom) {
      return { kind: 'probe' };
    }
    return { kind: 'wait', until: Math.min(claimFrom, this.readAt, probeFrom) };
  }

  /** The lease says something new: whatever was planned on the strength of the old is off. */
  news(now: number, source: Source): void {
    this.claimAt = null;
    // The store is there: a release must not wait for the end of a pause that an earlier failure began.
    this.notBefore = this.refusedUntil;
    this.rhythm.news(now, source === 'watch');
  }

  /** Something was seen, by whatever way: the next look of one's own may wait. */
  looked(now: number, watchIsLive: boolean): void {
    this.outdated = false;
    this.readAt = now + (watchIsLive ? this.rhythm.silence() : this.rhythm.poll());
  }

  watchBroke(now: number): void {
    this.readAt = Math.min(this.readAt, now + this.rhythm.afterBreak());
  }

  /** A claim may have landed or not: read before anything else. */
  lookAgain(now: number): void {
    this.outdated = true;
    this.claimAt = null;
    this.readAt = now;
  }

  failed(now: number, retryAfter: number): void {
    this.refusedUntil = now + retryAfter;
    this.notBefore = Math.max(this.refusedUntil, now + this.rhythm.poll());
  }

  holdOff(until: number): void {
    this.notBefore = until;
  }

  probed(now: number): void {
    this.probeAt = now + (this.probeInterval || this.timings.retryPeriod);
  }

  raceLost(): void {
    this.claimAt = null;
    this.window.lostRace();
  }

  raceWon(): void {
    this.claimAt = null;
    this.window.wonRace();
  }

  /** The winner's record is on its way by a live watch: asking for it would make a hundred losers ask at once. */
  awaitWinner(now: number, watchIsLive: boolean): void {
    this.lookAgain(now);
    this.readAt = watchIsLive ? now + 50 + 200 * this.chance.random() : now;
  }

  private claimFrom(now: number, contendFrom: number): number {
    if (this.lease.latest === null || this.outdated) {
      return Number.POSITIVE_INFINITY;
    }
    const openFrom = Math.max(this.lease.vacancy.openFrom, contendFrom);
    if (now < openFrom) {
      this.claimAt = null;
      return openFrom;
    }
    this.claimAt ??= this.lease.vacancy.isOwn ? now : now + this.window.draw();
    return this.claimAt;
  }

  /** Cheap stores are asked all the time; over a network only after a missed renewal, once per retry period. */
  private probeFrom(now: number, contendFrom: number): number {
    const held = this.lease.holder !== null && now < this.lease.vacancy.openFrom;
    if (this.probeInterval === null || !held || contendFrom === Number.POSITIVE_INFINITY) {
      return Number.POSITIVE_INFINITY;
    }
    return Math.max(this.probeAt, this.probeInterval > 0 ? this.probeAt : this.rhythm.missedFrom);
  }
}
