import { describe, expect, it } from 'vitest';
import { overlaps } from '../../bench/local/belief.js';

describe('the overlap check of the local benchmark', () => {
  it('finds two terms that were believed in at the same time', () => {
    const [a, b] = [
      { token: '1', from: 0, to: 10 },
      { token: '2', from: 9, to: 20 },
    ];
    expect(overlaps([a!, b!])).toEqual([[a, b]]);
  });

  it('accepts one term after the other, and one told of twice', () => {
    const first = { token: '1', from: 0, to: 10 };
    expect(overlaps([first, { ...first, to: 12 }, { token: '2', from: 12, to: 20 }])).toEqual([]);
  });
});
