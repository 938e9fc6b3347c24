import { describe, expect, it } from 'vitest';
import { playHistory } from '../history.js';
import type { Start } from '../judge/ticks.js';
import { shipped } from '../shipped.js';
import { EPOCH } from '../world/lease-service.js';
import type { JobPlan, Plan } from '../world/plan.js';
import { at, calm, led } from './calm.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function job(change: Partial<JobPlan>): JobPlan {
  const steady = { phase: 0, zone: null, deaf: 0, throws: 0, hangs: 0, kills: 0, lackedBy: 0, changedBy: 0 };
  return { name: 'job', every: MINUTE, attempts: 1, catchUp: true, lasts: 10, ...steady, ...change };
}

/** A quiet world with one job, and a store that shows its time. */
function ticking(replicas: number, minutes: number, change: Partial<JobPlan>, more: Partial<Plan> = {}): Plan {
  const plan = led(calm(replicas, minutes, { jobs: [job(change)], ...more }));
  plan.client.storeTime = true;
  plan.work.every = 0;
  return plan;
}

async function played(plan: Plan) {
  const { breach, starts, led: terms, counts } = await playHistory(plan, shipped);
  expect(breach).toBeNull();
  return { starts: starts.get('job') ?? [], terms, counts, of: (name: string) => starts.get(name) ?? [] };
}

/** Since the beginning, in seconds, as `began` is. */
function instants(starts: readonly Start[]): number[] {
  return starts.map((start) => (start.at - EPOCH) / SECOND);
}

describe('the ticks of a job', () => {
  it('run late, once, when the store was away at its instant and the same replica leads again', async () => {
    const { starts, terms } = await played(
      ticking(1, 6, {}, { disturbances: [at(170, 'outage', -1, { lasts: 30, size: 1 })] }),
    );
    expect(terms).toEqual([0, 0]);
    expect(instants(starts)).toEqual([120, 180, 240, 300]);
    expect(starts[1]!.began).toBeGreaterThan(200 * SECOND);
  });

  it('run once when the leader is told to stop between its claim and the answer, whenever that is', async () => {
    for (let after = 0; after <= 4000; after += 50) {
      const stopped = { ...at(180, 'restart', 0, { lasts: 60 }), at: 3 * MINUTE + after };
      const plan = ticking(2, 5, {}, { disturbances: [at(175, 'slow', 0, { lasts: 30, size: 3000 }), stopped] });
      const { starts } = await played(plan);
      const tick = starts.filter((start) => start.at === EPOCH + 3 * MINUTE);
      expect(tick, `stopped ${after} ms after its instant`).toHaveLength(1);
    }
  });

  it.each([
    ['refused', 0],
    ['failed', 1],
    ['lost on the way', 2],
  ])(
    'start none while every ledger is %s, the leader leads on, and the newest runs when it is kept',
    async (_, size) => {
      const { starts, terms } = await played(
        ticking(2, 12, {}, { disturbances: [at(130, 'refuse-ledger', -1, { lasts: 400, size })] }),
      );
      expect(terms).toEqual([0]);
      const [before, after] = [
        starts.filter(({ began }) => began < 130_000),
        starts.filter(({ began }) => began > 130_000),
      ];
      expect(instants(before).at(-1)).toBe(120);
      expect(after[0]!.began).toBeGreaterThan(530 * SECOND);
      expect(instants(after).slice(0, 3)).toEqual([480, 540, 600]);
      expect(after[0]!.previous).toBe(EPOCH + 2 * MINUTE);
    },
  );

  it.each([
    ['ahead', 25, -25],
    ['behind', -25, 25],
  ])('go on from one to the next when the old leader is 50 s %s of the new one', async (_, first, second) => {
    const plan = ticking(2, 8, { every: 10 * SECOND }, { disturbances: [at(200, 'step-down', 0)] });
    for (const [i, offset] of [first, second].entries()) plan.nodes[i]!.clocks.wallOffset = offset * SECOND;
    const { starts, terms } = await played(plan);
    expect(terms).toEqual([0, 1]);
    expect(starts.length).toBeGreaterThan(30);
    for (const [i, start] of starts.entries()) {
      if (i === 0) continue;
      expect(start.at).toBeGreaterThan(starts[i - 1]!.at);
      expect(start.previous).toBe(starts[i - 1]!.at);
    }
  });

  it.each([
    ['an hour ahead', HOUR],
    ['an hour behind', -HOUR],
    ['a year ahead', 365 * 24 * HOUR],
    ['a year behind', -365 * 24 * HOUR],
  ])('wait while the clock of the leader is %s', async (_, size) => {
    const { starts, terms } = await played(
      ticking(2, 10, {}, { disturbances: [{ ...at(130, 'wrong-time', 0, { lasts: 200 }), size }] }),
    );
    expect(terms).toEqual([0]);
    expect(starts.filter(({ began }) => began > 130_000 && began < 330_000)).toEqual([]);
    expect(instants(starts.filter(({ began }) => began > 330_000)).slice(0, 3)).toEqual([300, 360, 420]);
  });

  it('are lost, not doubled, where a lease is deleted and its creator has never seen an account of them', async () => {
    const disturbances = [at(195, 'crash', 0, { lasts: 10_000 }), at(196, 'delete', -1)];
    const plan = ticking(2, 10, { every: 10 * SECOND }, { disturbances });
    plan.nodes[1]!.startAt = 202 * SECOND;
    const { starts, terms } = await played(plan);
    expect(terms).toEqual([0, 1]);
    const [mine, others] = [starts.filter(({ node }) => node === 0), starts.filter(({ node }) => node === 1)];
    expect(instants(mine).at(-1)).toBe(190);
    // A minute more than the store's now: the clock of whoever led may have been ahead by as much.
    expect(others[0]!.at).toBeGreaterThan(EPOCH + others[0]!.began - 10 * SECOND);
    expect(instants(others)[0]).toBeGreaterThanOrEqual(260);
  });

  it('of every second: after a weekend without a replica the newest is run, at once', async () => {
    const weekend = 60 * 3600;
    const { starts, terms } = await played(
      ticking(1, weekend / 60 + 5, { every: SECOND }, { disturbances: [at(100, 'crash', 0, { lasts: weekend })] }),
    );
    expect(terms).toEqual([0, 0]);
    const next = starts.findIndex(({ began }) => began > 101 * SECOND);
    const { at: tick, began, previous } = starts[next]!;
    expect(began).toBeLessThan((100 + weekend + 20) * SECOND);
    expect(EPOCH + began - tick).toBeLessThan(2 * SECOND);
    expect(previous).toBe(starts[next - 1]!.at);
    expect(previous).toBeGreaterThanOrEqual(EPOCH + 99 * SECOND);
  });

  it('of one whose handler hangs wait and are told as overdue; the term and other jobs go on', async () => {
    const plan = ticking(2, 10, { hangs: 1 });
    plan.jobs.push(job({ name: 'other', every: 10 * SECOND }));
    const { starts, terms, counts, of } = await played(plan);
    expect(terms).toEqual([0]);
    expect(starts).toHaveLength(1);
    expect(counts.get('tick overdue')).toBe(1);
    expect(of('other').length).toBeGreaterThan(50);
  });
});
