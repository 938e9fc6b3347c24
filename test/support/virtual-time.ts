import type { Chance, Clock } from 'nestjs-leader';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that stands still until a test moves it. Clocks of several machines can hang on it, each with its own sleep and wall. */
export class VirtualTime {
  private readonly timers = new Set<Timer>();
  private order = 0;
  now = 0;

  /** Moves time on, running what falls due in order, and lets every promise settle in between. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    await settle();
    for (let next = this.next(end); next !== undefined; next = this.next(end)) {
      this.timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.run();
      await settle();
    }
    this.now = end;
  }

  setTimer(run: () => void, delay: number): () => void {
    const timer: Timer = { at: this.now + Math.max(delay, 0), order: this.order++, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  get pending(): number {
    return this.timers.size;
  }

  private next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (
        timer.at <= end &&
        (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
      )
        first = timer;
    }
    return first;
  }
}

/** One machine's clocks. Paused, its timers do not fire; asleep, its monotonic clock stands still as well. */
export class MachineClock implements Clock {
  wallOffset = Date.UTC(2026, 0, 1);
  hasBootClock = true;
  private asleep = 0;
  private readonly held: (() => void)[] = [];
  private stopped = false;

  constructor(private readonly time: VirtualTime) {}

  now = () => this.time.now - this.asleep;
  wall = () => this.time.now + this.wallOffset;
  boot = () => (this.hasBootClock ? this.time.now : undefined);

  setTimer(run: () => void, delay: number): () => void {
    let called = false;
    const cancel = this.time.setTimer(() => {
      if (called) return;
      if (this.stopped) this.held.push(() => called || run());
      else run();
    }, delay);
    return () => {
      called = true;
      cancel();
    };
  }

  /** As SIGSTOP: clocks go on, nothing runs. */
  pause(): void {
    this.stopped = true;
  }

  async resume(): Promise<void> {
    this.stopped = false;
    for (const run of this.held.splice(0)) run();
    await settle();
  }

  /** The machine was suspended for so long: its monotonic clock has not noticed. Call after the time has been moved on. */
  slept(milliseconds: number): void {
    this.asleep += milliseconds;
  }
}

/** A seeded generator: tests that draw draw the same every time. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  let drawn = 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { random, uuid: () => `${seed}-${drawn++}` };
}

/** Lets everything run that can run without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
