import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { AuditedRequest } from '../control-plane/audit-log.js';
import type { Fleet } from '../fleet/fleet.js';
import { SERVICE_ACCOUNT } from '../fleet/mounted-files.js';
import type { Replica } from '../fleet/replica.js';
import { newFleet, report, sharedCluster } from './shared.js';

const MINUTE = 60_000;
type Start = (fleet: Fleet, name: string) => Promise<Replica>;
// Samples twice a second: twenty standbys that print every 5 ms would be the load.
const ours: Start = (fleet, name) => fleet.replica(name, { args: ['--sample-every', '500'] });
const clientGo: Start = (fleet, name) => fleet.goReplica(name, { args: ['-sample-every', '500ms'] });

/** A leader and `standbys`, settled: whoever has begun to watch has done so. */
async function settled(fleet: Fleet, start: Start, standbys: number): Promise<void> {
  const leader = await start(fleet, 'leader');
  await leader.until('admitted');
  // A few at a time: twenty Node processes that start at once starve the leader of the processor.
  for (let i = 0; i < standbys; i += 4) {
    const batch = Array.from({ length: Math.min(4, standbys - i) }, (_, k) => start(fleet, `standby-${i + k}`));
    for (const standby of await Promise.all(batch)) await standby.until('holder');
  }
  await sleep(10_000);
}

function requestsOf({ namespace }: Fleet, since: number, until: number): AuditedRequest[] {
  const user = `system:serviceaccount:${namespace}:${SERVICE_ACCOUNT}`;
  return sharedCluster.auditLog
    .requests(since)
    .filter((request) => request.user.username === user && Date.parse(request.requestReceivedTimestamp) < until);
}

function count(requests: AuditedRequest[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verb } of requests) counts[verb] = (counts[verb] ?? 0) + 1;
  return counts;
}

// At once, since a fleet at rest costs next to nothing; that is the point.
describe.concurrent('a minute of a healthy election', () => {
  test.each([1, 5, 20])('with %i standbys costs at most 20 writes of the leader and nothing else', async (standbys) => {
    await using mine = await newFleet();
    await using theirs = await newFleet();
    await settled(mine, ours, standbys);
    await settled(theirs, clientGo, standbys);
    const since = Date.now();
    await sleep(MINUTE);
    const until = since + MINUTE;
    const requests = requestsOf(mine, since, until);
    report(`requests in a minute, ${standbys} standbys`, {
      mine: count(requests),
      clientGo: count(requestsOf(theirs, since, until)),
    });
    expect(mine.replicas.flatMap((replica) => replica.of('lost'))).toEqual([]);
    const writes = requests.filter(({ verb }) => verb === 'update');
    expect(writes.length).toBeLessThanOrEqual(20);
    expect(writes.length).toBeGreaterThan(15);
    expect(requests.filter(({ verb }) => verb !== 'update')).toEqual([]);
  });
});

interface PolicyRule {
  resources: string[];
  verbs: string[];
}

test('the Role grants what the replicas ask for, and not one verb more', async () => {
  await using fleet = await newFleet();
  const leader = await fleet.replica('leader');
  await leader.until('admitted');
  await fleet.replica('standby');
  await sleep(4_000);

  const user = `system:serviceaccount:${fleet.namespace}:${SERVICE_ACCOUNT}`;
  const mine = sharedCluster.auditLog.requests().filter((request) => request.user.username === user);
  expect(mine.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
  const used = new Set(
    mine
      // What every authenticated user may ask: which rights it has.
      .filter(({ objectRef }) => objectRef?.resource !== 'selfsubjectrulesreviews')
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`),
  );
  const role = `/apis/rbac.authorization.k8s.io/v1/namespaces/${fleet.namespace}/roles/orders-worker-leader-election`;
  const { rules } = (await sharedCluster.admin.must('GET', role)) as unknown as { rules: PolicyRule[] };
  const granted = rules.flatMap(({ resources, verbs }) => verbs.map((verb) => `${verb} ${resources.join()}`));
  // detectCrash asks for these in a Pod, and these replicas are none: `npm run test:pods` has some.
  const inPods = ['list pods', 'watch pods'];
  expect([...used, ...inPods].toSorted()).toEqual(granted.toSorted());
});
