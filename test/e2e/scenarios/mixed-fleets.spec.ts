import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { monotonic } from '../fleet/replica-lines.js';
import { expiry, newFleet, seesLeader } from './shared.js';

const SIX_DIGITS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

describe.concurrent('client-go leads, ours stands by', () => {
  test('SIGTERM: ours leads at once', async () => {
    await using fleet = await newFleet();
    const go = await fleet.goReplica('go');
    await go.until('admitted');
    const ours = await fleet.replica('ours');
    await seesLeader(ours);
    const before = await fleet.lease.read();
    const asked = monotonic();
    go.terminate();
    expect((await ours.until('admitted')).t - asked).toBeLessThan(1_500);
    const { spec } = await fleet.lease.read();
    expect(spec.leaseTransitions).toBe(before.spec.leaseTransitions! + 1);
    expect(spec.acquireTime).toMatch(SIX_DIGITS);
    expect(Date.parse(spec.acquireTime!)).toBeGreaterThan(Date.parse(before.spec.acquireTime!));
  });

  test('SIGKILL: ours leads when the lease ends', async () => {
    await using fleet = await newFleet();
    const go = await fleet.goReplica('go');
    await go.until('admitted');
    const ours = await fleet.replica('ours');
    await seesLeader(ours);
    await sleep(4_000);
    await go.kill();
    const allowed = expiry(await fleet.lease.read());
    const late = (await ours.until('admitted')).t - allowed;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1_500);
  });

  test('a partition: with a takeover grace for its overrun, ours leads after it has stopped', async () => {
    await using fleet = await newFleet();
    const go = await fleet.goReplica('go', { wired: true });
    await go.until('admitted');
    const ours = await fleet.replica('ours', { args: ['--takeover-grace', '5000'] });
    await seesLeader(ours);
    fleet.wire(go).freeze();
    await ours.until('admitted');
    fleet.wire(go).heal();
    await sleep(4_000);
    expect(ours.of('lost')).toEqual([]);
  });

  test('a freeze, after which its release blanks the lease of ours: never two of ours lead', async () => {
    await using fleet = await newFleet();
    const go = await fleet.goReplica('go');
    // client-go says leader beside its successor when it wakes; that is what takes part here, not what is tested.
    fleet.disregarded.add(go);
    await go.until('admitted');
    const ours = [await fleet.replica('a'), await fleet.replica('b'), await fleet.replica('c')];
    for (const replica of ours) await seesLeader(replica);
    go.pause();
    const successor = await fleet.leader({ among: ours });
    await successor.until('admitted');
    go.terminate();
    go.resume();
    await go.exited;
    await sleep(1_000);
    await fleet.leader({ among: ours, since: monotonic(), patience: 20_000 });
  });
});

describe.concurrent('ours leads, client-go stands by', () => {
  test('SIGTERM: client-go leads with its next poll, and counts one transition', async () => {
    await using fleet = await newFleet();
    const ours = await fleet.replica('ours');
    await ours.until('admitted');
    const go = await fleet.goReplica('go');
    await seesLeader(go);
    const before = await fleet.lease.read();
    expect(before.spec.renewTime).toMatch(SIX_DIGITS);
    const asked = monotonic();
    ours.terminate();
    expect((await go.until('admitted')).t - asked).toBeLessThan(6_000);
    const { spec } = await fleet.lease.read();
    expect(spec).toMatchObject({ holderIdentity: 'go', leaseTransitions: before.spec.leaseTransitions! + 1 });
  });

  test('SIGKILL: client-go leads once the lease has ended', async () => {
    await using fleet = await newFleet();
    const ours = await fleet.replica('ours');
    await ours.until('admitted');
    const go = await fleet.goReplica('go');
    await seesLeader(go);
    await ours.kill();
    const allowed = expiry(await fleet.lease.read());
    expect((await go.until('admitted')).t).toBeGreaterThanOrEqual(allowed);
  });

  test('a partition: ours stops before client-go leads', async () => {
    await using fleet = await newFleet();
    const ours = await fleet.replica('ours', { wired: true });
    await ours.until('admitted');
    const go = await fleet.goReplica('go');
    await seesLeader(go);
    fleet.wire(ours).freeze();
    await go.until('admitted');
    fleet.wire(ours).heal();
    await ours.until('holder', { where: ({ holder }) => holder === 'go' });
    await sleep(4_000);
    expect(go.beliefs.at(-1)!.to).toBeGreaterThan(monotonic() - 500);
  });

  test('renewals are seen as such: client-go never takes the lease of a living leader', async () => {
    await using fleet = await newFleet();
    const ours = await fleet.replica('ours');
    await ours.until('admitted');
    const go = await fleet.goReplica('go');
    await sleep(25_000);
    expect(go.of('admitted')).toEqual([]);
    expect(ours.of('lost')).toEqual([]);
  });
});
