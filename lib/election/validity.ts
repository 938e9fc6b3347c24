import type { Clock } from './clock.js';

/**
 * Who may lead, until when: the leader's half. Its other half, when a standby may take over, is `vacancy.ts`.
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
  return { mono: clock.now(), wall: clock.wall(), boot: clock.boot() };
}

/** Reading the boot clock costs microseconds: a question reads it only if the last reading is older than this. */
const BOOT_CLOCK_PERIOD = 100;

/** Told at the question or the confirmation that finds it out. */
export interface ValidityListener {
  onExpired?(): void;
  onSuspended?(): void;
  onResumed?(): void;
}

export class Validity {
  private base: ClockReading;
  private over = false;
  private suspended = false;
  private bootElapsed = 0;
  /** The first question after each confirmation reads it: the machine may have slept while the answer was on its way. */
  private bootReadAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly renewDeadline: number,
    sent: ClockReading,
    private readonly told: ValidityListener = {},
  ) {
    this.base = sent;
  }

  /** A write sent at `sent` was confirmed. Never moves back: an older write confirmed late proves nothing new. */
  confirm(sent: ClockReading): void {
    if (sent.mono < this.base.mono) {
      return;
    }
    this.base = sent;
    this.bootReadAt = Number.NEGATIVE_INFINITY;
    if (this.suspended) {
      this.suspended = false;
      this.told.onResumed?.();
    }
  }

  /** Asked at every question, so that a paused process gives the right answer the first time. The first `false` that is final stays. */
  isValid(): boolean {
    if (this.over) {
      return false;
    }
    const now = this.clock.now();
    if (now - this.base.mono >= this.renewDeadline) {
      return this.expire();
    }
    if (now - this.bootReadAt >= BOOT_CLOCK_PERIOD) {
      this.readBootClock(now);
    }
    if (this.bootElapsed + (now - this.bootReadAt) >= this.renewDeadline) {
      return this.expire();
    }
    if (this.clock.wall() - this.base.wall >= this.renewDeadline) {
      return this.wallJumped(now);
    }
    return !this.suspended;
  }

  /** Final: expired, or ended. A suspended term is not valid and yet not over. */
  isOver(): boolean {
    return !this.isValid() && this.over;
  }

  /** Milliseconds until `isValid()` turns false without another confirmation, by the clock that is furthest on. */
  remaining(): number {
    if (!this.isValid()) {
      return 0;
    }
    const now = this.clock.now();
    const elapsed = Math.max(
      now - this.base.mono,
      this.bootElapsed + (now - this.bootReadAt),
      this.clock.wall() - this.base.wall,
    );
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
    this.told.onExpired?.();
    return false;
  }

  /**
   * The wall clock says that the time is up and the monotonic clock does not: the machine slept, or somebody set the clock.
   * The boot clock tells which; without one, sleep must be assumed. A set clock only suspends, or a fleet-wide clock step would
   * stop the leader's work each time.
   */
  private wallJumped(now: number): boolean {
    this.readBootClock(now);
    if (this.base.boot === undefined || this.bootElapsed >= this.renewDeadline) {
      return this.expire();
    }
    if (!this.suspended) {
      this.suspended = true;
      this.told.onSuspended?.();
    }
    return false;
  }

  private readBootClock(now: number): void {
    const boot = this.clock.boot();
    this.bootReadAt = now;
    this.bootElapsed =
      boot === undefined || this.base.boot === undefined ? now - this.base.mono : boot - this.base.boot;
  }
}
