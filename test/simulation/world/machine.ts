import type { Random } from './random.js';
import { Mark } from './timeline.js';
import type { World } from './world.js';

export interface ClockPlan {
  /** Local milliseconds per true millisecond. */
  rate: number;
  wallOffset: number;
  /** Wall milliseconds gained per true millisecond, beside what the rate does not explain (NTP slewing, bad oscillator). */
  wallDrift: number;
  /** Amplitude of a triangular wander of the wall clock over ten minutes. */
  wallWander: number;
  /** Whether the system has a clock that counts suspended time. */
  boot: boolean;
}

const EPOCH = Date.UTC(2026, 0, 1);
const WANDER_PERIOD = 600_000;

/** A host with its clocks. It can be stalled (SIGSTOP, long GC, no CPU) or suspended (laptop lid, VM): then nothing on it runs. */
export class Machine {
  running = true;
  private suspendedFor = 0;
  private suspendedAt: number | null = null;
  private wallStep = 0;
  private frozenWall: number | null = null;
  private backlog: { run: () => void; timer: boolean }[] = [];
  /** True time of the last moment at which it began to run again. */
  resumedAt = 0;
  /** Until then a suspend may be invisible: the wall was stepped back with it and the boot clock is read every 100 ms only. */
  blindUntil = 0;

  constructor(
    readonly world: World,
    readonly index: number,
    readonly clocks: ClockPlan,
    private readonly random: Random,
  ) {}

  monotonic(): number {
    const until = this.suspendedAt ?? this.world.now;
    return 1e6 * (this.index + 1) + (until - this.suspendedFor) * this.clocks.rate;
  }

  boot(): number | undefined {
    if (!this.clocks.boot) return undefined;
    return 5e6 * (this.index + 1) + this.world.now * this.clocks.rate;
  }

  wall(): number {
    if (this.frozenWall !== null) return this.frozenWall;
    const { rate, wallOffset, wallDrift, wallWander } = this.clocks;
    const phase = wallWander === 0 ? 0 : (this.world.now % WANDER_PERIOD) / WANDER_PERIOD;
    const wander = wallWander * (phase < 0.5 ? phase : 1 - phase);
    return (
      Math.floor((EPOCH + this.world.now * (rate + wallDrift) + wallOffset + wander + this.wallStep) * 1000) / 1000
    );
  }

  stepWall(by: number): void {
    this.wallStep += by;
    this.world.mark(Mark.WallStep, this.index, by);
  }

  freezeWall(frozen: boolean): void {
    if (frozen === (this.frozenWall !== null)) return;
    if (frozen) {
      this.frozenWall = this.wall();
    } else {
      const stoodAt = this.frozenWall!;
      this.frozenWall = null;
      // A clock that was frozen goes on from where it stood: it does not catch up by itself.
      this.wallStep -= this.wall() - stoodAt;
    }
    this.world.mark(Mark.WallFreeze, this.index, frozen ? 1 : 0);
  }

  halt(suspend: boolean): boolean {
    if (!this.running) return false;
    this.running = false;
    if (suspend) this.suspendedAt = this.world.now;
    this.world.mark(suspend ? Mark.Suspend : Mark.Pause, this.index);
    return true;
  }

  resume(): void {
    if (this.running) return;
    if (this.suspendedAt !== null) {
      this.suspendedFor += this.world.now - this.suspendedAt;
      this.suspendedAt = null;
    }
    this.running = true;
    this.resumedAt = this.world.now;
    this.world.mark(Mark.Resume, this.index);
    const waiting = this.backlog;
    this.backlog = [];
    // After a stall either the overdue timers or what the sockets received may come first; both orders are met in the wild.
    const timersFirst = this.random.chance(0.5);
    const first = waiting.filter((w) => w.timer === timersFirst);
    const second = waiting.filter((w) => w.timer !== timersFirst);
    for (const { run, timer } of [...first, ...second]) this.world.after(0, () => this.deliver(run, timer));
  }

  /** Runs it now, or when this machine runs again. */
  deliver(run: () => void, timer = false): void {
    if (this.running) run();
    else this.backlog.push({ run, timer });
  }
}
