/**
 * Where the election gets time and chance from. Nothing in this folder reads a clock, sets a timer or draws a number
 * except through these ports, so the code that ships is the code that the simulator runs on virtual time.
 */
export interface Clock {
  /** Monotonic milliseconds. Never steps; stands still while the machine is suspended. */
  now(): number;
  /** Wall clock, milliseconds since the epoch. May step either way at any moment. */
  wall(): number;
  /**
   * Milliseconds since boot, counting time spent suspended; `undefined` where the system has no such clock, or where it cannot be
   * read at this moment: no reading is better than a wrong one.
   * Costs microseconds, so the hot path reads it at most every 100 ms.
   */
  boot(): number | undefined;
  /** Runs `callback` once, `delay` milliseconds from now (at once for zero and less). Returns the way to call it off. */
  setTimer(callback: () => void, delay: number): CancelTimer;
}

/** Calls a timer off; does nothing once it has run. */
export type CancelTimer = () => void;

/** Where jitter and identifiers come from. */
export interface Chance {
  /** Uniform in [0, 1). */
  random(): number;
  /** A fresh identifier that no other process will ever draw. */
  uuid(): string;
}
