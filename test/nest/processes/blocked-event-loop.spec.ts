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
  const { leader, standby } = await pair({ leaseDuration: 3_000 });
  leader.block(7_000);
  const [, begun, token] = await standby.tells('acquired');
  const [, believed, believes] = await leader.tells('blocked');
  expect(believes).toBe('false');
  expect(BigInt(begun!)).toBeGreaterThan(BigInt(believed!));
  expect(BigInt(token!)).toBeGreaterThan(BigInt((await leader.tells('acquired'))[2]!));
  await leader.tells('lost expired');
  expect(leader.log.join('\n')).toMatch(/stood still for \d+ ms or more \(.+\); its term expired meanwhile\./);
}, 120_000);
