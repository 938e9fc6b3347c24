import { expect, it } from 'vitest';
import { leaseDirectory, ReplicaProcess, type Behaviour } from './replica-process.js';

/** A leader, and a standby that came later. */
async function pair(behaviour: Partial<Behaviour>) {
  const directory = await leaseDirectory();
  const leader = new ReplicaProcess({ directory, ...behaviour });
  await leader.tells('acquired');
  const standby = new ReplicaProcess({ directory, ...behaviour });
  await Promise.all([leader, standby].map((replica) => replica.tells('listening')));
  return { leader, standby };
}

it('five seconds of synchronous work do not cost a leader its term at the defaults, and are told', async () => {
  const { leader, standby } = await pair({});
  leader.block(5_000);
  expect((await leader.tells('blocked')).at(-1)).toBe('true');
  await expect.poll(() => leader.log.join('\n')).toMatch(/stood still for \d+ ms or more \(.+\); it still leads\./);
  expect(standby.told.join()).not.toContain('acquired');
}, 120_000);

it('synchronous work that outlives the lease sees its term end before the successor begins, and is told why', async () => {
  const replicas = Object.values(await pair({ leaseDuration: 3_000 }));
  // On a busy machine leadership may have changed hands by now: whoever leads works, the other one skips it.
  for (const replica of replicas) replica.block(7_000);
  const leader = await Promise.any(replicas.map((replica) => replica.tells('blocked').then(() => replica)));
  const successor = replicas.find((replica) => replica !== leader)!;
  const [begun, believed, believes] = (await leader.tells('blocked')).slice(1);
  expect(believes).toBe('false');

  const terms = () => successor.told.filter((line) => line.startsWith('acquired')).map((line) => line.split(' ')[1]!);
  const next = () => terms().find((acquired) => BigInt(acquired) > BigInt(begun!));
  await expect.poll(next, { timeout: 60_000 }).toBeDefined();
  expect(BigInt(next()!)).toBeGreaterThan(BigInt(believed!));
  await leader.tells('lost expired');
  expect(leader.log.join('\n')).toMatch(/stood still for \d+ ms or more \(.+\); its term expired meanwhile\./);
}, 120_000);
