import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Fleet } from '../fleet/fleet.js';
import { monotonic } from '../fleet/replica-lines.js';
import { expiry, newFleet, seesLeader } from './shared.js';

// The four situations in which the npm packages for leader election failed when they were run, for the applications that their users
// have, ported by the lines that docs/coming-from.md shows. Overlapping beliefs are found at the end of each scenario, by the fleet.

describe.concurrent.each([
  ['a cron job in Nest, from nestjs-k8s-leader-election', 'cron'],
  ['callbacks without Nest, from leader-election and @codedependant/kubernetes-leader-election', 'events'],
] as const)('%s', (_, program) => {
  /** A leader that works and a standby that knows it. */
  async function pair(fleet: Fleet, args: string[] = []) {
    const leader = await fleet.replica('leader', { program, wired: true, args });
    await leader.until('admitted');
    const standby = await fleet.replica('standby', { program, wired: true });
    await seesLeader(standby);
    return { leader, standby };
  }

  test('crash: the standby works once the lease of the dead has ended', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await pair(fleet);
    await leader.kill();
    const allowed = expiry(await fleet.lease.read());
    expect((await standby.until('admitted')).t).toBeGreaterThanOrEqual(allowed);
  });

  test('SIGTERM: the process ends by itself, and the standby works long before the lease would have ended', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await pair(fleet);
    const allowed = expiry(await fleet.lease.read());
    leader.terminate();
    await leader.exited;
    expect((await standby.until('admitted')).t).toBeLessThan(allowed);
  });

  test('handover: who lets go of the lease and takes long to die does not take it again', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await pair(fleet, ['--linger', '6000']);
    const asked = monotonic();
    leader.terminate();
    const { t: taken } = await standby.until('admitted');
    await leader.exited;
    expect(monotonic() - asked).toBeGreaterThan(6_000);
    expect(leader.of('admitted', taken)).toEqual([]);
    await sleep(2_000);
    expect(standby.of('sample', monotonic() - 500).some(({ leader }) => leader)).toBe(true);
  });

  test('silent watch: the leader goes on for two leases, the standby waits, and takes over when it dies', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await pair(fleet);
    for (const replica of [leader, standby]) fleet.wire(replica).freezeEstablished();
    await sleep(30_000);
    expect(standby.of('admitted')).toEqual([]);
    expect(leader.of('admitted', monotonic() - 3_000)).not.toEqual([]);
    await leader.kill();
    await standby.until('admitted');
  });
});
