import { describe, expect, it } from 'vitest';
import { struck } from '../measure.js';
import { shipped } from '../shipped.js';

const ONE_TERM = Array.from({ length: 10 }, () => 1);

describe('a leader of a lease of 15 s keeps its term', { timeout: 180_000 }, () => {
  it.each([
    ['swallows requests', 'outage', 0],
    ['refuses them', 'outage', 1],
    ['lets no answer through', 'partition', 1],
  ] as const)('while the store %s for 8 s, whenever that begins', async (_what, kind, size) => {
    expect(await struck(kind, 8000, size, shipped)).toEqual(ONE_TERM);
  });

  it.each([3000, 4000, 5000])('while the store takes %i ms to answer, from one request to the next', async (size) => {
    expect(await struck('slow', 60_000, size, shipped)).toEqual(ONE_TERM);
  });
});
