import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import type { Chance, Clock } from './clock.js';

/** setTimeout fires at once for anything longer than this. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The clocks of this machine. Timers keep the process alive: an election that could vanish with the last socket would not fail over. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  // Only Linux counts suspended time here by a clock that cannot step: elsewhere uptime is the wall clock in disguise.
  boot: process.platform === 'linux' ? () => uptime() * 1000 : () => undefined,
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
