import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FaultyGateway } from '../fleet/faulty-gateway.js';
import type { Fleet } from '../fleet/fleet.js';
import { SERVICE_ACCOUNT } from '../fleet/mounted-files.js';
import { monotonic } from '../fleet/replica-lines.js';
import { expiry, leaderAndStandby, newFleet, sharedCluster } from './shared.js';

const { admin } = sharedCluster;
/** What the API server answers under overload. */
const TOO_MANY_REQUESTS = JSON.stringify({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'too many requests, please try again later',
  reason: 'TooManyRequests',
  details: { retryAfterSeconds: 1 },
  code: 429,
});

const binding = ({ namespace }: Fleet) =>
  `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings/${SERVICE_ACCOUNT}-leader-election`;

describe.concurrent('an API server that refuses', () => {
  test('with 429 for longer than the lease: the leader stops in time, and one leads again afterwards', async () => {
    await using gateway = await FaultyGateway.before(sharedCluster.access);
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet, { leader: { gateway }, standby: { gateway } });
    await sleep(3_500);
    gateway.answer(429, TOO_MANY_REQUESTS, 1);
    await leader.until('error', { where: ({ message }) => /HTTP 429/.test(message) });
    await leader.until('lost');
    expect(leader.beliefs.at(-1)!.to).toBeLessThan(expiry(await fleet.lease.read()));
    await sleep(5_000);
    gateway.heal();
    await fleet.leader({ since: monotonic(), patience: 20_000 });
  });

  test('with 503 for eight seconds: the leader leads on, and the gateway is not hammered', async () => {
    await using gateway = await FaultyGateway.before(sharedCluster.access);
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet, { leader: { gateway }, standby: { gateway } });
    gateway.answer(503, 'no healthy upstream');
    await sleep(8_000);
    gateway.heal();
    expect(gateway.refused).toBeLessThan(12);
    await sleep(6_000);
    expect(leader.of('lost')).toEqual([]);
  });

  test('with 503 and Retry-After for 25 seconds: the leader stops in time, and one leads again afterwards', async () => {
    await using gateway = await FaultyGateway.before(sharedCluster.access);
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet, { leader: { gateway }, standby: { gateway } });
    gateway.answer(503, 'no healthy upstream', 3);
    await leader.until('lost');
    expect(leader.beliefs.at(-1)!.to).toBeLessThan(expiry(await fleet.lease.read()));
    await sleep(11_000);
    gateway.heal();
    await fleet.leader({ since: monotonic(), patience: 20_000 });
  });

  test('or answers in HTML with 200: nobody takes it for a Lease', async () => {
    await using gateway = await FaultyGateway.before(sharedCluster.access);
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet, { leader: { gateway }, standby: { gateway } });
    gateway.answer(200, '<html><body>Sign in</body></html>');
    await leader.until('lost');
    await sleep(4_000);
    gateway.heal();
    await fleet.leader({ since: monotonic(), patience: 20_000 });
  });

  test('with 403, the rights having been withdrawn: it says what is missing, and leads again once they are granted', async () => {
    await using fleet = await newFleet();
    const { leader } = await leaderAndStandby(fleet);
    await admin.must('DELETE', binding(fleet));
    const error = await leader.until('error', { where: ({ code }) => code === 'STORE_FORBIDDEN' });
    expect(error.message).toContain('update');
    await leader.until('lost');
    await sleep(4_000);
    await fleet.grantRights();
    await fleet.leader({ since: monotonic(), patience: 20_000 });
  });

  test('with 401, the token having been rotated: the new one is read, and the leader leads on', async () => {
    await using fleet = await newFleet();
    const { leader, standby } = await leaderAndStandby(fleet);
    const pods = `/api/v1/namespaces/${fleet.namespace}/pods`;
    const pod = async (name: string) => {
      const spec = { serviceAccountName: SERVICE_ACCOUNT, containers: [{ name: 'worker', image: 'none' }] };
      const { metadata } = await admin.must('POST', pods, { metadata: { name }, spec });
      return { name, uid: String(metadata!['uid']) };
    };
    const [before, after] = [await pod('before'), await pod('after')];
    for (const replica of fleet.replicas) await fleet.files(replica).freshToken(before);
    // A minute at most until they have read it, as they read all that the kubelet renews.
    await sleep(62_000);
    for (const replica of fleet.replicas) await fleet.files(replica).freshToken(after);
    await admin.must('DELETE', `${pods}/before?gracePeriodSeconds=0`);
    // The server remembers for ten seconds that a token was good.
    await sleep(20_000);
    expect(leader.of('lost')).toEqual([]);
    const asked = monotonic();
    leader.terminate();
    expect((await standby.until('admitted')).t - asked).toBeLessThan(1_000);
  });
});
