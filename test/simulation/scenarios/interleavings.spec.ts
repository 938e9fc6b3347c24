import { describe, expect, it } from 'vitest';
import { LeaderElectionConfigError } from '../../../lib/election/errors.js';
import { playHistory, type Outcome } from '../history.js';
import { tell } from '../report.js';
import { shipped } from '../shipped.js';
import type { Plan } from '../world/plan.js';
import { at, calm, led } from './calm.js';

async function keepsItsPromises(plan: Plan): Promise<Outcome> {
  const outcome = await playHistory(plan, shipped);
  expect(outcome.breach && tell(outcome)).toBeNull();
  return outcome;
}

describe('interleavings that broke an earlier wording of the algorithm', { timeout: 180_000 }, () => {
  it('1: two replicas configured with one identity are still two', async () => {
    const plan = led(
      calm(2, 5, {
        disturbances: [at(30, 'partition', 0, { lasts: 40, size: 1 }), at(120, 'partition', 0, { lasts: 40, size: 1 })],
      }),
    );
    plan.network.lostResponse = 0.2;
    for (const node of plan.nodes) node.options = { identity: 'r0' };
    await keepsItsPromises(plan);
  });

  it('2: a lease emptied by a third party is waited out, while the holder’s watch lags', async () => {
    const plan = led(calm(3, 3, { disturbances: [at(31, 'blank', -1), at(62.5, 'blank', -1), at(95.2, 'blank', -1)] }));
    plan.watch.lag = 8000;
    await keepsItsPromises(plan);
  });

  it.each([-5, -20, -60])(
    '3: a suspend of 20 s that the wall clock hides (stepped %i s) ends the belief',
    async (back) => {
      const outcome = await keepsItsPromises(
        led(calm(2, 3, { disturbances: [at(40, 'suspend', 0, { lasts: 20, size: back * 1000 })] })),
      );
      expect(outcome.led).toEqual([0, 1]);
    },
  );

  it('4: its own write that landed unseen is replaced at once, not waited out', async () => {
    // Sooner or later the slow way begins just before the claim: it is given up after 2 s and applied after 2.5.
    for (let offset = 0; offset < 25; offset++) {
      const slow = at(0.003 + offset / 1000, 'slow', 0, { lasts: 1, size: 5000 });
      const outcome = await keepsItsPromises(calm(1, 0.2, { disturbances: [slow] }));
      expect(outcome.led).toEqual([0]);
    }
  });

  it('5: an answer that a pause held back begins no term', async () => {
    for (let offset = 0; offset < 40; offset++) {
      const pause = at(15.9 + offset / 100, 'pause', 1, { lasts: 25 });
      const plan = led(
        calm(3, 2, {
          disturbances: [at(10, 'slow', 1, { lasts: 12, size: 300 }), at(1.5, 'crash', 0, { lasts: 60 }), pause],
        }),
      );
      await keepsItsPromises(plan);
    }
  });

  it('6: a duration in fractions of a second is recorded rounded up, and must leave a margin', async () => {
    const plan = led(calm(2, 2, { disturbances: [at(30, 'crash', 0, { lasts: 60 })] }));
    for (const node of plan.nodes) node.options = { leaseDuration: 10_900 };
    await keepsItsPromises(plan);
    for (const node of plan.nodes) node.options = { leaseDuration: 10_900, renewDeadline: 10_500 };
    const { breach } = await playHistory(plan, shipped);
    expect(breach?.what).toContain(LeaderElectionConfigError.name);
  });

  it('7: a duration shortened by hand does not shorten what the holder was promised', async () => {
    const edits = [
      at(30.1, 'edit-duration', -1, { size: 1 }),
      at(61.4, 'edit-duration', -1, { size: 1 }),
      at(92.7, 'edit-duration', -1, { size: 2 }),
    ];
    const plan = led(calm(3, 3, { disturbances: [...edits, at(30, 'partition', 0, { lasts: 30 })] }));
    await keepsItsPromises(plan);
  });

  it('8: a replica that starts cold after a deletion leads at once; tokens still grow', async () => {
    const plan = led(calm(2, 3, { disturbances: [at(29, 'partition', 0, { lasts: 30 }), at(30, 'delete', -1)] }));
    plan.nodes[1]!.startAt = 30_100;
    const outcome = await keepsItsPromises(plan);
    expect(outcome.led[1]).toBe(1);
  });

  it('12: stepDown() inside admitted work does not wait for itself', async () => {
    const plan = led(calm(2, 5));
    plan.work = { every: 5000, lasts: 3000, deaf: 0, throws: 0, stepsDown: 0.3 };
    const outcome = await keepsItsPromises(plan);
    expect(outcome.terms).toBeGreaterThan(10);
    expect(outcome.leaderless).toBeLessThan(0.2 * 300_000);
  });

  it('13: a renewal in flight at the stop does not spoil the release', async () => {
    for (let offset = 0; offset < 30; offset++) {
      const plan = led(calm(2, 1, { disturbances: [at(30 + offset / 10, 'restart', 0, { lasts: 20 })] }));
      plan.work.every = 0;
      plan.network.latency = 200;
      const outcome = await keepsItsPromises(plan);
      expect(outcome.leaderless).toBeLessThan(2500);
    }
  });

  it('14: old records told again do not keep a dead holder alive', async () => {
    const plan = led(calm(3, 2, { disturbances: [at(40, 'crash', 0, { lasts: 70 })] }));
    plan.watch.replay = 1;
    const outcome = await keepsItsPromises(plan);
    expect(outcome.leaderless).toBeLessThan(16_000);
  });

  it('15: an old deletion told late does not end a new term', async () => {
    const plan = led(calm(3, 4, { disturbances: [at(30, 'delete', -1), at(90, 'delete', -1)] }));
    plan.watch.replay = 0.7;
    const outcome = await keepsItsPromises(plan);
    expect(outcome.terms).toBeLessThanOrEqual(3);
  });

  it('16: a label edited twice a second costs no leadership, and does not keep a dead holder alive', async () => {
    const edits = at(20, 'annotate', -1, { lasts: 100, size: 500 });
    const alive = await keepsItsPromises(led(calm(3, 3, { disturbances: [edits] })));
    expect([alive.terms, alive.leaderless]).toEqual([1, 0]);
    const dead = await keepsItsPromises(led(calm(3, 3, { disturbances: [edits, at(60, 'crash', 0, { lasts: 100 })] })));
    expect(dead.leaderless).toBeLessThan(16_000);
  });

  it('17: a claim in flight at the stop is let go when it lands', async () => {
    for (let offset = 0; offset < 20; offset++) {
      const disturbances = [
        at(0, 'slow', 0, { lasts: 5, size: 1000 + 100 * offset }),
        at(0.6 + offset / 10, 'restart', 0, { lasts: 100 }),
      ];
      const plan = led(calm(2, 1, { disturbances }));
      const outcome = await keepsItsPromises(plan);
      expect(outcome.led.at(-1)).toBe(1);
      expect(outcome.leaderless).toBeLessThan(8000);
    }
  });

  it('18: a wall clock set forward every minute costs no term where a boot clock exists', async () => {
    const steps = Array.from({ length: 9 }, (_, i) => at(60 * (i + 1), 'wall-step', 0, { size: 30_000 }));
    const outcome = await keepsItsPromises(led(calm(2, 10, { disturbances: steps })));
    expect(outcome.terms).toBe(1);
    expect(outcome.leaderless).toBeLessThan(1000);
  });

  it('19: who steps down stays out long enough for another to win', async () => {
    const steps = Array.from({ length: 10 }, (_, i) => at(20 + 20 * i, 'step-down', i % 2));
    const outcome = await keepsItsPromises(led(calm(2, 4, { disturbances: steps })));
    expect(outcome.led).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });

  it('20: a hundred standbys do not stampede when the leader lets go', async () => {
    const quiet = await keepsItsPromises(led(calm(100, 1)));
    const release = await keepsItsPromises(led(calm(100, 1, { disturbances: [at(30, 'restart', 0, { lasts: 60 })] })));
    const sum = (requests: number[]) => requests.reduce((a, b) => a + b, 0);
    expect(sum(release.sent) - sum(quiet.sent)).toBeLessThan(110);
  });

  it('21: one lost renewal in a hundred makes standbys look a few times an hour, not at every missed beat', async () => {
    const plan = led(calm(3, 60));
    plan.work.every = 0;
    plan.askEvery = 0;
    plan.network.lostRequest = 0.01;
    const outcome = await keepsItsPromises(plan);
    expect(outcome.terms).toBe(1);
    expect(outcome.sent[1]).toBeLessThan(60);
  });
});
