import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { playHistory } from '../history.js';
import { fleet } from '../measure.js';
import { tell } from '../report.js';
import { shipped } from '../shipped.js';
import type { Stage } from '../world/disturbances.js';
import { Random } from '../world/random.js';

const HOURS = 24;
const HOUR = 3_600_000;
const EVERY = 30_000;

/** What a fleet holds on to between two restarts. */
interface Holdings {
  timers: number;
  watches: number;
  promises: number;
  signals: number;
}

const count = (kind: unknown): number =>
  // Its types know neither that it takes any constructor nor that it counts: it does a full garbage collection first.
  (queryObjects as unknown as (kind: unknown, options: { format: 'count' }) => number)(kind, { format: 'count' });

function holdings({ world, network }: Stage): Holdings {
  return {
    timers: world.pending,
    watches: network.watches.size,
    promises: count(Promise),
    signals: count(AbortSignal),
  };
}

describe('a day of a fleet whose API server restarts every 30 s', { timeout: 300_000 }, () => {
  it('has one leader after every restart, and nothing piles up', async () => {
    const plan = fleet('ours', 3, HOURS * 60, 1);
    plan.work = { every: 10_000, lasts: 2000, deaf: 0, throws: 0, stepsDown: 0 };
    const luck = new Random('restarts');
    const held: Holdings[] = [];
    const leaders = new Map<number, number>();
    const outcome = await playHistory(plan, shipped, {
      script: (stage) => {
        const { world, network, contenders } = stage;
        const restart = (round: number): void => {
          // Now and then it is away for longer than a term lasts, and needs the next half minute to be waited out.
          const long = round % 20 === 0;
          network.outage = luck.pick(['refuse', 'hang', 'error']);
          for (const breakOff of network.watches) breakOff();
          world.after(long ? 20_000 : luck.between(1000, 5000), () => (network.outage = null));
          world.after((long ? 2 : 1) * EVERY, () => {
            const leading = contenders.filter((c) => c.believes()).length;
            leaders.set(leading, (leaders.get(leading) ?? 0) + 1);
            restart(round + 1);
          });
        };
        world.at(EVERY, () => restart(1));
        for (const hour of [2, 4, HOURS - 2, HOURS]) world.at(hour * HOUR, () => held.push(holdings(stage)));
      },
    });
    expect(outcome.breach && tell(outcome)).toBeNull();
    expect([...leaders.keys()]).toEqual([1]);
    expect(leaders.get(1)).toBeGreaterThan(2500);
    const [early, late] = [held.slice(0, 2), held.slice(-2)];
    for (const what of ['timers', 'watches', 'promises', 'signals'] as const) {
      const most = (some: Holdings[]): number => Math.max(...some.map((h) => h[what]));
      expect(most(late), `${what}: ${held.map((h) => h[what]).join(', ')}`).toBeLessThanOrEqual(1.1 * most(early) + 10);
    }
    console.log(outcome.terms, outcome.events, leaders, held);
  });
});
