import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { monotonic } from '../fleet/replica-lines.js';
import { expiry, leaderAndStandby, newFleet } from './shared.js';

/** A watch event away, on a machine that runs a dozen scenarios besides. client-go leads on for 10 to 12 seconds. */
const AT_ONCE = 1_000;

/** As the wire wants it: six digits, in UTC. */
const microTime = (at: Date) => at.toISOString().replace('Z', '000Z');

describe.concurrent('a Lease that somebody', () => {
  test('deletes: its holder stops, and one replica leads again, with a higher token and the count carried on', async () => {
    await using fleet = await newFleet();
    const { leader: first, standby: leader } = await leaderAndStandby(fleet);
    first.terminate();
    const { token: before } = await leader.until('admitted');
    const { metadata, spec } = await fleet.lease.read();
    expect(spec.leaseTransitions).toBe(1);
    const deleted = monotonic();
    await fleet.lease.remove();
    const lost = await leader.until('lost', { since: deleted });
    expect(lost).toMatchObject({ reason: 'deleted' });
    expect(lost.t - deleted).toBeLessThan(AT_ONCE);
    const next = await fleet.leader({ since: lost.t });
    const { token } = await next.until('admitted', { since: lost.t });
    expect(BigInt(token)).toBeGreaterThan(BigInt(before));
    const recreated = await fleet.lease.read();
    expect(recreated.metadata.uid).not.toBe(metadata.uid);
    expect(recreated.spec.leaseTransitions).toBeGreaterThanOrEqual(1);
  });

  test('steals: its holder stops at once, and the thief is left alone for as long as the lease says', async () => {
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet);
    const stolen = monotonic();
    const thief = { holderIdentity: 'thief', renewTime: microTime(new Date()), leaseDurationSeconds: 10 };
    const allowed = expiry(await fleet.lease.patch({ spec: thief }));
    const lost = await leader.until('lost', { since: stolen });
    expect(lost.reason).toBe('superseded');
    expect(lost.t - stolen).toBeLessThan(AT_ONCE);
    const next = await fleet.leader({ since: lost.t });
    const { t } = await next.until('admitted', { since: lost.t });
    expect(t).toBeGreaterThanOrEqual(allowed);
    expect(t - allowed).toBeLessThan(1_000);
  });

  test('labels and annotates, again and again: its holder keeps leading and keeps what was added', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet);
    for (let i = 0; i < 30; i++) {
      await fleet.lease.patch({ metadata: { labels: { team: 'orders' }, annotations: { round: String(i) } } });
      await sleep(500);
    }
    await sleep(4_000);
    const { metadata } = await fleet.lease.read();
    expect(metadata.labels).toEqual({ team: 'orders' });
    expect(metadata.annotations).toMatchObject({ round: '29' });
    expect(leader.of('lost')).toEqual([]);
    expect(standby.of('admitted')).toEqual([]);
  });

  test('recreates for somebody else: its holder stops, the newcomer is left alone', async () => {
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet);
    const now = microTime(new Date());
    const newcomer = { holderIdentity: 'newcomer', renewTime: now, acquireTime: now, leaseDurationSeconds: 10 };
    const lease = await fleet.lease.recreate(newcomer);
    // A replica that was quick has led once more between deletion and creation: that term is over by now as well.
    await sleep(AT_ONCE);
    const settled = monotonic();
    expect(leader.of('lost')).not.toEqual([]);
    for (const replica of fleet.replicas) expect(replica.of('lost')).toHaveLength(replica.of('admitted').length);
    const { metadata, spec } = await fleet.lease.read();
    expect([metadata.uid, spec]).toEqual([lease.metadata.uid, lease.spec]);
    const next = await fleet.leader({ since: settled });
    const { t } = await next.until('admitted', { since: settled });
    expect(t).toBeGreaterThanOrEqual(expiry(lease));
  });

  test('blanks: its holder stops, and a replica leads again', async () => {
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet);
    const blanked = monotonic();
    await fleet.lease.patch({ spec: { holderIdentity: '' } });
    const lost = await leader.until('lost', { since: blanked });
    expect(lost.t - blanked).toBeLessThan(AT_ONCE);
    const next = await fleet.leader({ since: lost.t, patience: 20_000 });
    expect(fleet.replicas).toContain(next);
  });
});

describe.concurrent('garbage in a Lease', () => {
  const garbage = {
    'no duration': { leaseDurationSeconds: null },
    'a renewal in the far future': { renewTime: '2099-01-01T00:00:00.000000Z' },
    'a renewal in the far past': { renewTime: '1999-01-01T00:00:00.000000Z', acquireTime: null },
    'an absurd count': { leaseTransitions: 2_147_483_647 },
    'fields of coordinated elections': { strategy: 'OldestEmulationVersion', preferredHolder: 'somebody' },
  };
  for (const [what, spec] of Object.entries(garbage)) {
    test(`${what}: one replica leads on or again, and its successor still takes over`, async () => {
      await using fleet = await newFleet();
      const { leader } = await leaderAndStandby(fleet);
      const edited = monotonic();
      await fleet.lease.patch({ spec });
      // A renewal later at the least, and after whatever they had to wait out.
      const now = await fleet.leader({ since: edited + 4_000, patience: 40_000 });
      const other = fleet.replicas.find((replica) => replica !== now)!;
      expect([leader.name, 'standby']).toContain(now.name);
      const asked = monotonic();
      now.terminate();
      const { t } = await other.until('admitted', { since: asked, patience: 20_000 });
      expect(t - asked).toBeLessThan(2_000);
      if ('strategy' in spec) expect((await fleet.lease.read()).spec).toMatchObject(spec);
    });
  }

  test('before anybody ever led: one replica leads within one lease duration', async () => {
    await using fleet = await newFleet();
    await fleet.lease.create({ holderIdentity: 'a-ghost', renewTime: '2099-01-01T00:00:00.000000Z' });
    const replica = await fleet.replica('replica');
    const { t: seen } = await replica.until('holder');
    expect((await replica.until('admitted')).t - seen).toBeLessThan(16_000);
  });
});
