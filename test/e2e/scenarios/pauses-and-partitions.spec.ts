import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { monotonic } from '../fleet/replica-lines.js';
import { expiry, leaderAndStandby, newFleet } from './shared.js';

// That no two replicas ever believed to lead is checked at the end of each scenario, by the fleet.

describe.concurrent('a leader that stands still', () => {
  test('is succeeded, and says no from its first answer after SIGCONT on', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet);
    leader.pause();
    const stopped = monotonic();
    await sleep(20_000);
    expect(standby.of('admitted')).toHaveLength(1);
    const resumed = monotonic();
    leader.resume();
    const lost = await leader.until('lost', { since: stopped });
    expect(lost.token).toBe(leader.of('admitted')[0]!.token);
    expect(leader.of('sample', resumed).filter((sample) => sample.leader)).toEqual([]);
    await sleep(2_000);
    expect(standby.of('lost')).toEqual([]);
  });

  test('and is terminated does not blank the lease of its successor', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet);
    leader.pause();
    await standby.until('admitted');
    const { spec: held } = await fleet.lease.read();
    leader.terminate();
    leader.resume();
    await leader.exited;
    await sleep(3_500);
    const { spec } = await fleet.lease.read();
    expect(spec).toMatchObject({ holderIdentity: held.holderIdentity, leaseTransitions: held.leaseTransitions });
    expect(standby.of('lost')).toEqual([]);
  });
});

describe.concurrent('a wire', () => {
  test('that goes dead under the leader: it stops before its lease ends, the standby leads when it has', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet, { leader: { wired: true } });
    await sleep(4_000);
    fleet.wire(leader).freeze();
    const allowed = expiry(await fleet.lease.read());
    const { t: admitted } = await standby.until('admitted');
    expect(admitted).toBeGreaterThanOrEqual(allowed);
    expect(admitted - allowed).toBeLessThan(1_500);
    expect(leader.beliefs.at(-1)!.to).toBeLessThan(allowed);
    // What the leader wrote into the dead wire arrives now, late.
    fleet.wire(leader).heal();
    await leader.until('holder', { since: admitted });
    await sleep(4_000);
    expect(standby.of('lost')).toEqual([]);
  });

  test('whose open connections go silent while new ones work: the leader keeps leading', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet, { leader: { wired: true } });
    for (let i = 0; i < 3; i++) {
      await sleep(6_000);
      fleet.wire(leader).freezeEstablished();
    }
    await sleep(14_000);
    expect(leader.of('lost')).toEqual([]);
    expect(leader.of('sample', monotonic() - 100).some((sample) => sample.leader)).toBe(true);
    expect(standby.of('admitted')).toEqual([]);
  });

  test('that swallows the watch of a standby: a release is noticed all the same, before a crash would be', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet, { standby: { wired: true } });
    await sleep(4_000);
    fleet.wire(standby).freezeEstablished();
    const asked = monotonic();
    leader.terminate();
    const { t } = await standby.until('admitted');
    expect(t - asked).toBeLessThan(15_000);
  });

  test('that is cut for less than the renew deadline: the leader keeps leading', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet, { leader: { wired: true } });
    fleet.wire(leader).cut();
    await sleep(7_000);
    fleet.wire(leader).heal();
    await sleep(8_000);
    expect(leader.of('lost')).toEqual([]);
    expect(standby.of('admitted')).toEqual([]);
  });

  test('with a second of latency: the leader keeps leading, and hands over when it is told to', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet, { leader: { wired: true }, standby: { wired: true } });
    fleet.wire(leader).delay(500);
    fleet.wire(standby).delay(500);
    await sleep(20_000);
    expect(leader.of('lost')).toEqual([]);
    leader.terminate();
    await standby.until('admitted', { patience: 10_000 });
  });
});

describe.concurrent('work that goes on after its term was told to end', () => {
  test('is waited for, with its term still valid, before the lease is let go', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet, { leader: { args: ['--outlast-signal', '3000'] } });
    leader.terminate();
    const { t: admitted } = await standby.until('admitted');
    const drained = await leader.until('drained');
    expect(drained.valid).toBe(true);
    expect(admitted).toBeGreaterThan(drained.t);
    expect(admitted - drained.t).toBeLessThan(1_500);
  });

  test('and outlasts the drain timeout: the lease is left to end by itself', async () => {
    await using fleet = await newFleet();
    const stubborn = ['--outlast-signal', '120000', '--drain-timeout', '2000'];
    const { leader, standby } = await leaderAndStandby(fleet, { leader: { args: stubborn } });
    const asked = monotonic();
    leader.terminate();
    await sleep(5_000);
    const allowed = expiry(await fleet.lease.read());
    const { t: admitted } = await standby.until('admitted');
    expect(admitted).toBeGreaterThanOrEqual(allowed);
    expect(allowed - asked).toBeGreaterThan(12_000);
  });
});
