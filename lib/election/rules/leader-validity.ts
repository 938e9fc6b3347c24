import type { Clock } from '../clock/clock.js';

/**
 * Who may lead, until when: the leader's half. Its other half, when a standby may take over, is `takeover-time.ts`.
 *
 * A leader trusts a confirmed write for `renewDeadline`, counted from *before that write was sent*. Others keep away for
 * `leaseDuration`, counted from when they *saw* the write, which is later. So the first ends before the second begins, by the margin
 * between the two, as long as clock rates differ by less than that margin. No clock of another machine is ever read.
 */
export interface ClockReading {
  readonly mono: number;
  readonly wall: number;
  readonly boot: number | undefined;
}

export function readClocks(clock: Clock): ClockReading {
  // In this order: a sleep in between is counted as one after the reading by the clocks that show it.
  const boot = clock.boot();
  const wall = clock.wall();
  return { mono: clock.now(), wall, boot };
}

/** Reading the boot clock costs microseconds: a question reads it only if the last reading is older than this. */
const BOOT_CLOCK_PERIOD = 100;

/** What the clocks may say of a term at a question. Expired is final; a suspended one may go on. */
export type Doubt = 'expired' | 'suspended';

export class LeaderValidity {
  private base: ClockReading;
  private over = false;
  private suspended = false;
  /** By how much the boot clock was ahead of the monotonic one at `base`, or before it; `undefined` while it could not be read. */
  private ahead: number | undefined;
  /** The machine has slept so long since then, as far as the boot clock has told: it never takes that back. */
  private slept = 0;
  private lastAhead: { readonly value: number; readonly readAt: number } | undefined;
  /** The first question after each confirmation reads it: the machine may have slept while the answer was on its way. */
  private bootReadAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly renewDeadline: number,
    sent: ClockReading,
    /** Called at the question that finds it out: a paused process has no earlier chance. */
    private readonly onDoubt: (doubt: Doubt) => void = () => undefined,
  ) {
    this.base = sent;
    this.ahead = aheadOf(sent);
  }

  /**
   * A write sent at `sent` was confirmed. Never moves back: an older write confirmed late proves nothing new.
   * Returns whether a suspension ended.
   */
  confirm(sent: ClockReading): boolean {
    if (sent.mono < this.base.mono) return false;
    this.base = sent;
    this.bootReadAt = Number.NEGATIVE_INFINITY;
    const ahead = aheadOf(sent) ?? this.aheadBefore(sent.mono);
    if (ahead !== undefined) {
      this.ahead = ahead;
      this.slept = 0;
    }
    const wasSuspended = this.suspended;
    this.suspended = false;
    return wasSuspended;
  }

  /** Asked at every question, so that a paused process gives the right answer the first time. The first `false` that is final stays. */
  isValid(): boolean {
    if (this.over) return false;
    const now = this.clock.now();
    if (now - this.base.mono >= this.renewDeadline) return this.expire();
    if (now - this.bootReadAt >= BOOT_CLOCK_PERIOD) this.readBootClock(now);
    if (now - this.base.mono + this.slept >= this.renewDeadline) return this.expire();
    if (this.clock.wall() - this.base.wall >= this.renewDeadline) return this.wallJumped(now);
    return !this.suspended;
  }

  /** Final: expired, or ended. A suspended term is not valid and yet not over. */
  isOver(): boolean {
    return !this.isValid() && this.over;
  }

  /** Milliseconds until `isValid()` turns false without another confirmation, by the clock that is furthest on. */
  remaining(): number {
    if (!this.isValid()) return 0;
    const now = this.clock.now();
    const elapsed = Math.max(now - this.base.mono + this.slept, this.clock.wall() - this.base.wall);
    return Math.max(0, this.renewDeadline - elapsed);
  }

  /** The monotonic instant at which this is over at the latest. */
  get expiresAt(): number {
    return this.base.mono + this.renewDeadline;
  }

  /** Over for another reason than the clocks: lost, or let go. */
  end(): void {
    this.over = true;
  }

  private expire(): false {
    this.over = true;
    this.onDoubt('expired');
    return false;
  }

  /**
   * The wall clock says that the time is up and the monotonic clock does not: the machine slept, or somebody set the clock.
   * The boot clock tells which; without one, sleep must be assumed. A set clock only suspends, or a fleet-wide clock step would
   * stop the leader's work each time. So does a boot clock that merely cannot be read now: `false` is safe, and the next reading tells.
   */
  private wallJumped(now: number): boolean {
    if (this.suspended) return false;
    this.readBootClock(now);
    if (!this.hasBootClock() || now - this.base.mono + this.slept >= this.renewDeadline) return this.expire();
    this.suspended = true;
    this.onDoubt('suspended');
    return false;
  }

  /** Whether it has been read at `base` or since. */
  private hasBootClock(): boolean {
    return this.base.boot !== undefined || (this.lastAhead !== undefined && this.lastAhead.readAt >= this.base.mono);
  }

  private readBootClock(now: number): void {
    const boot = this.clock.boot();
    this.bootReadAt = now;
    if (boot === undefined) return;
    const value = boot - now;
    this.lastAhead = { value, readAt: now };
    this.ahead ??= value;
    this.slept = Math.max(this.slept, value - this.ahead);
  }

  /** For a write at whose sending the boot clock could not be read. A sleep since counts in full, whenever it was: too early is safe. */
  private aheadBefore(mono: number): number | undefined {
    return this.lastAhead !== undefined && this.lastAhead.readAt <= mono ? this.lastAhead.value : undefined;
  }
}

function aheadOf({ mono, boot }: ClockReading): number | undefined {
  return boot === undefined ? undefined : boot - mono;
}
