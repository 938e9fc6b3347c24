import { describe, expect, it } from 'vitest';
import { playHistory, type Outcome } from '../history.js';
import { struck } from '../measure.js';
import { tell } from '../report.js';
import { shipped } from '../shipped.js';
import { FORGERIES, type Forgery } from '../world/forger.js';
import type { Plan } from '../world/plan.js';
import { at, calm, led } from './calm.js';

async function keepsItsPromises(plan: Plan): Promise<Outcome> {
  const outcome = await playHistory(plan, shipped);
  expect(outcome.breach && tell(outcome)).toBeNull();
  return outcome;
}

/** Twice a second for a minute, while the leader is well. */
function forged(what: Forgery, replicas = 3): Plan {
  const forge = at(30, 'forge', -1, { lasts: 60, size: FORGERIES.indexOf(what) });
  const plan = led(calm(replicas, 3, { disturbances: [forge] }));
  Object.assign(plan.client, { vouched: false, resolution: 1 });
  return plan;
}

describe('somebody who may speak on the channel of a watch that nobody vouches for', { timeout: 180_000 }, () => {
  it.each(FORGERIES)('neither ends the term nor opens the lease by a %s twice a second', async (what) => {
    const outcome = await keepsItsPromises(forged(what));
    expect([outcome.terms, outcome.leaderless]).toEqual([1, 0]);
  });

  it('costs each replica a read or so per retry period', async () => {
    const quiet = await keepsItsPromises(led(calm(3, 3)));
    const rung = await keepsItsPromises(forged('forged release'));
    for (const [i, sent] of rung.sent.entries()) expect(sent - quiet.sent[i]!).toBeLessThan(60);
  });

  it('keeps a dead leader alive no longer than until the read that shows none of it', async () => {
    const plan = forged('forged sign of life');
    plan.disturbances = [
      at(60, 'crash', 0, { lasts: 100 }),
      at(60, 'forge', -1, { lasts: 12, size: FORGERIES.indexOf('forged sign of life') }),
    ];
    const outcome = await keepsItsPromises(plan);
    expect(outcome.leaderless).toBeLessThan(12_000 + 7200 + 1000);
  });
});

describe('a policy that lets no annotation through', { timeout: 180_000 }, () => {
  it.each([
    ['stripped', 0],
    ['refused', 1],
  ] as const)('costs no term while marks are %s, nor when they come back', async (_what, size) => {
    const outcome = await keepsItsPromises(
      led(calm(3, 4, { disturbances: [at(30, 'strip-marks', -1, { lasts: 100, size })] })),
    );
    expect([outcome.terms, outcome.leaderless]).toEqual([1, 0]);
  });

  it('leaves handover and takeover to what everybody knows of a lease', async () => {
    const plan = led(
      calm(3, 4, { disturbances: [at(40, 'restart', 0, { lasts: 10 }), at(100.5, 'crash', 1, { lasts: 60 })] }),
    );
    plan.client.marks = 'stripped';
    const outcome = await keepsItsPromises(plan);
    // Whoever is never seen with a mark may be client-go, which leads on for 2.5 s after its lease has ended.
    expect(outcome.leaderless).toBeLessThan(1000 + 15_000 + 2500 + 1000);
  });
});

describe('a service that refuses', { timeout: 180_000 }, () => {
  it.each([
    ['as a conflict', 0],
    ['with 500', 1],
    ['with 403', 2],
    ['with 422', 3],
  ] as const)('every write %s for a minute has a leader within seconds afterwards', async (_what, size) => {
    const outcome = await keepsItsPromises(
      led(calm(3, 4, { disturbances: [at(30, 'refuse-writes', -1, { lasts: 60, size })] })),
    );
    expect(outcome.leaderless).toBeGreaterThan(40_000);
    expect(outcome.leaderless).toBeLessThan(60_000 - 9000 + 5000);
  });

  it('everything on one of two servers costs no term: its connections are left', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const badServer = at(30 + seed / 3, 'bad-server', -1, { lasts: 100, size: 3 * (seed % 2) });
      const outcome = await keepsItsPromises(led(calm(3, 3, { seed, disturbances: [badServer] })));
      expect([outcome.terms, outcome.leaderless]).toEqual([1, 0]);
    }
  });

  it('to be asked for 20 s, and is well after 6, costs no term', async () => {
    expect(await struck('retry-after', 6000, 7, shipped)).toEqual(Array.from({ length: 10 }, () => 1));
  });

  it('credentials every other second costs no term', async () => {
    const plan = led(calm(3, 3, { disturbances: [at(30, 'credentials', 0, { lasts: 100, size: 1 })] }));
    plan.disturbances[0]!.size = 1000;
    const outcome = await keepsItsPromises(plan);
    expect([outcome.terms, outcome.leaderless]).toEqual([1, 0]);
  });

  it('to keep a watch open beyond its first event is asked for one twenty times a minute', async () => {
    const plan = led(calm(3, 5));
    plan.client.watch = 'brief';
    plan.work.every = 0;
    const { sent } = await keepsItsPromises(plan);
    for (const requests of sent) expect(requests / 5).toBeLessThan(60);
  });
});
