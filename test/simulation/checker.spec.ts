import { describe, expect, it } from 'vitest';
import { playHistory } from './history.js';
import { CLASSIC_BUGS, naive } from './rivals/naive-elector.js';
import { swarm } from './swarm.js';

const SAFETY = ['S1', 'S2', 'S3', 'S4', 'S5', 'P3'];

describe('the judge, before it is believed', () => {
  it.each(CLASSIC_BUGS)('catches an elector with this bug: %s', async (bug) => {
    const caught: string[] = [];
    for (let seed = 1; seed <= 300 && caught.length === 0; seed++) {
      const { breach } = await playHistory(swarm(seed), naive(bug));
      if (breach && SAFETY.includes(breach.promise)) caught.push(`seed ${seed}: ${breach.promise} ${breach.what}`);
    }
    console.log(bug, caught[0]);
    expect(caught).not.toEqual([]);
  });

  it('passes the same elector without a bug', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { breach } = await playHistory(swarm(seed), naive());
      if (breach && SAFETY.includes(breach.promise)) expect(`seed ${seed}: ${breach.promise} ${breach.what}`).toBe('');
    }
  });
});
