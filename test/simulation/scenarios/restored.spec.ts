import { describe, expect, it } from 'vitest';
import { playHistory, type Outcome } from '../history.js';
import { tell } from '../report.js';
import { shipped } from '../shipped.js';
import type { NodePlan } from '../world/plan.js';
import { at, calm, led } from './calm.js';

type Kind = NodePlan['kind'];
const TIMES = 20;
const LEASE = 15_000;

/** etcd comes back from a backup behind an API server that goes on running: its cache shows the lost future to lists and watches. */
async function restoredFleet(kinds: readonly Kind[], seed: number): Promise<Outcome> {
  const restore = at(40 + seed / 3, 'restore', -1, { lasts: 85, size: 1 + (seed % 12) });
  const plan = led(calm(kinds.length, 4, { seed, disturbances: [restore] }));
  for (const [i, kind] of kinds.entries()) plan.nodes[i]!.kind = kind;
  return playHistory(plan, shipped);
}

async function longestGap(kinds: readonly Kind[]): Promise<number> {
  let longest = 0;
  for (let seed = 1; seed <= TIMES; seed++) {
    const outcome = await restoredFleet(kinds, seed);
    expect(outcome.breach && tell(outcome)).toBeNull();
    longest = Math.max(longest, outcome.leaderless);
  }
  return longest;
}

// Where nothing is lost but some renewals, client-go's leader writes on over what was restored, as its record names it. Ours cannot know that
// nobody led in what was lost: it lets its term end, and what the store shows now is believed after a whole lease without a doubt.
describe('etcd restored behind a running API server', { timeout: 180_000 }, () => {
  it('leaves our fleet without a leader for no longer than the lease', async () => {
    expect(await longestGap(['ours', 'ours', 'ours'])).toBeLessThan(LEASE + 1000);
  });

  it('leaves it so for no longer with a replica of client-go beside ours, nor than client-go’s fleet and a lease', async () => {
    const theirs = await longestGap(['client-go', 'client-go', 'client-go']);
    expect(await longestGap(['ours', 'ours', 'client-go'])).toBeLessThan(theirs + LEASE + 1000);
  });
});
