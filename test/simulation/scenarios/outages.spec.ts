import { describe, expect, it } from 'vitest';
import { playHistory } from '../history.js';
import { fleet } from '../measure.js';
import { shipped } from '../shipped.js';
import type { DisturbanceKind } from '../world/plan.js';

/** Terms of a minute in which this strikes the leader, at every tenth of its renewal's rhythm. */
async function terms(kind: DisturbanceKind, lasts: number, size: number): Promise<number[]> {
  const counts: number[] = [];
  for (let phase = 0; phase < 3000; phase += 300) {
    const plan = fleet('ours', 2, 2, 1);
    plan.nodes[0]!.startAt = 0;
    plan.nodes[1]!.startAt = 1500;
    plan.disturbances = [{ at: 40_000 + phase, kind, node: 0, lasts, size }];
    counts.push((await playHistory(plan, shipped)).led.length);
  }
  return counts;
}

const ONE_TERM = Array.from({ length: 10 }, () => 1);

describe('a leader of a lease of 15 s keeps its term', { timeout: 180_000 }, () => {
  it.each([
    ['swallows requests', 'outage', 0],
    ['refuses them', 'outage', 1],
    ['lets no answer through', 'partition', 1],
  ] as const)('while the store %s for 8 s, whenever that begins', async (_what, kind, size) => {
    expect(await terms(kind, 8000, size)).toEqual(ONE_TERM);
  });

  it.each([3000, 4000, 5000])('while the store takes %i ms to answer, from one request to the next', async (size) => {
    expect(await terms('slow', 60_000, size)).toEqual(ONE_TERM);
  });
});
