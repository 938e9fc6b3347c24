// The time limits are for a machine that is busy with other things: alone, each of these takes seconds.
import { describe, expect, it } from 'vitest';
import { CORPUS } from './corpus.js';
import { playHistory } from './history.js';
import { tell } from './report.js';
import { shipped } from './shipped.js';
import { swarm } from './swarm.js';

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

  it('plays the same history again for the same seed', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const [first, second] = [await playHistory(swarm(seed), shipped), await playHistory(swarm(seed), shipped)];
      expect([second.trace, second.events]).toEqual([first.trace, first.events]);
    }
  });
});
