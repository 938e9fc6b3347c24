import type { Clock } from '../election/index.js';

// Taken at import: a test that fakes the timers of the process must not stop the election with them.
const { setTimeout, clearTimeout } = globalThis;
const monotonic = performance.now.bind(performance);
const wall = Date.now.bind(Date);

/** A test process ends when its tests do, not when the next renewal would be due. */
const KEEPS_PROCESS_ALIVE = 1_000;

interface Timer {
  readonly at: number;
  readonly run: () => void;
  handle: ReturnType<typeof setTimeout>;
}

/** The clock of the process, that can be moved on, and whose wall clock can be set apart from it. */
export class TestClock implements Clock {
  private skipped = 0;
  /** By how much the wall clock was set. */
  private set = 0;
  private readonly timers = new Set<Timer>();

  now = () => monotonic() + this.skipped;
  wall = () => wall() + this.set;
  /** It never sleeps: a wall clock that is set is seen to be set. */
  boot = () => this.now();

  setTimer(callback: () => void, delay: number): () => void {
    const run = () => {
      this.timers.delete(timer);
      callback();
    };
    const timer: Timer = { at: this.now() + delay, run, handle: setTimeout(run, Math.ceil(Math.max(delay, 0))) };
    if (delay > KEEPS_PROCESS_ALIVE) timer.handle.unref();
    this.timers.add(timer);
    return () => {
      clearTimeout(timer.handle);
      this.timers.delete(timer);
    };
  }

  /** The wall clock is set to this instant, and no time passes. */
  setWall(instant: number): void {
    this.set += instant - this.wall();
  }

  /** Milliseconds pass at once; what falls due runs, in order, each at its time: a late timer would be a process that stood still. */
  skip(milliseconds: number): void {
    const end = this.skipped + milliseconds;
    const due = [...this.timers].filter(({ at }) => at <= this.now() + milliseconds).toSorted((a, b) => a.at - b.at);
    for (const timer of due) {
      // An earlier one may have called it off.
      if (!this.timers.has(timer)) continue;
      clearTimeout(timer.handle);
      this.skipped += Math.max(timer.at - this.now(), 0);
      timer.run();
    }
    this.skipped = Math.max(this.skipped, end);
    for (const timer of this.timers) {
      clearTimeout(timer.handle);
      timer.handle = setTimeout(timer.run, Math.ceil(Math.max(timer.at - this.now(), 0)));
      if (timer.at - this.now() > KEEPS_PROCESS_ALIVE) timer.handle.unref();
    }
  }
}
