import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Chance, Clock } from './clock.js';

/** setTimeout fires at once for anything longer than this. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A reading of {@link bootClock} is up to this many milliseconds behind. */
export const BOOT_CLOCK_STEP = 10;

/**
 * Milliseconds since boot, suspended time included; `undefined` where that cannot be told to {@link BOOT_CLOCK_STEP}.
 * Only Linux has a clock here that cannot step: elsewhere uptime is the wall clock in disguise.
 */
export function bootClock(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const seconds = uptime();
    if (!Number.isInteger(seconds)) return seconds * 1000;
    // libuv reads /proc/uptime. Where that fails, for want of a file descriptor say, it gives the whole seconds of another clock, up
    // to a second behind, and does not say so: whole seconds are believed from the file alone.
    const [exact] = /^\d+\.\d\d(?= )/.exec(readFileSync('/proc/uptime', 'latin1')) ?? [];
    return exact === undefined ? undefined : Number(exact) * 1000;
  } catch {
    // Whatever the reason, there is no reading, and every caller does without.
    return undefined;
  }
}

/** The clocks of this machine. Timers keep the process alive: an election that could vanish with the last socket would not fail over. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  boot: bootClock,
  setTimer(callback, delay) {
    // Rounded up: a timer that fires a fraction early would spin the loop once per millisecond.
    const timer = setTimeout(callback, Math.min(Math.ceil(Math.max(delay, 0)), LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
};

/** The chance of this machine: not for secrets. */
export const systemChance: Chance = {
  random: () => Math.random(),
  uuid: () => randomUUID(),
};
