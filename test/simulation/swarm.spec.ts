// The time limits are for a machine that is busy with other things: alone, each of these takes seconds.
import { describe, expect, it } from 'vitest';
import { CORPUS } from './corpus.js';
import { playHistory } from './history.js';
import { tell } from './report.js';
import { shipped } from './shipped.js';
import { swarm } from './swarm.js';
import { abortLightly } from './world/light-abort.js';

const SEEDS = 60;

describe('the elector as it ships, in a hostile world', { timeout: 180_000 }, () => {
  it.each(CORPUS)('keeps every promise in seed $seed: $note', async ({ seed }) => {
    const outcome = await playHistory(swarm(seed), shipped);
    expect(outcome.breach && tell(outcome)).toBeNull();
  });

  it(`keeps every promise in ${SEEDS} histories of ten minutes`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await playHistory(swarm(seed), shipped);
      expect(outcome.breach && tell(outcome)).toBeNull();
    }
  });

  it('plays the same history again for the same seed, also on the lighter AbortSignal of the long runs', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const first = await playHistory(swarm(seed), shipped);
      const again = await playHistory(swarm(seed), shipped);
      const platforms = abortLightly();
      const lightly = await playHistory(swarm(seed), shipped).finally(platforms);
      for (const { trace, events } of [again, lightly]) expect([trace, events]).toEqual([first.trace, first.events]);
    }
  });
});
