// The time limits are for a machine that is busy with other things: alone, each of these takes seconds.
import { describe, expect, it } from 'vitest';
import { playHistory } from './history.js';
import { PROFILES } from './profiles.js';
import { tell } from './report.js';
import { CLASSIC_BUGS, naive } from './rivals/naive-elector.js';

// It polls and knows no watch, so it is not held to the promises of speed and cost.
const SAFETY = ['S1', 'S2', 'S3', 'S4', 'S5', 'P3'];
const isUnsafe = (promise: string | undefined) => promise !== undefined && SAFETY.includes(promise);

describe('the judge, before it is believed', () => {
  it.each(CLASSIC_BUGS)('catches an elector with this bug: %s', { timeout: 180_000 }, async (bug) => {
    const profile = bug.includes('duration')
      ? PROFILES.timings
      : bug.includes('response')
        ? PROFILES.clocks
        : PROFILES.swarm;
    let caught = false;
    for (let seed = 1; seed <= 150 && !caught; seed++)
      caught = isUnsafe((await playHistory(profile(seed), naive(bug))).breach?.promise);

    expect(caught).toBe(true);
  });

  it('passes the same elector without a bug', { timeout: 180_000 }, async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const outcome = await playHistory(PROFILES.swarm(seed), naive());
      expect(isUnsafe(outcome.breach?.promise) && tell(outcome)).toBe(false);
    }
  });
});
