import { describe, expect, it } from 'vitest';
import type { KubernetesLeaseOptions } from '../../../lib/stores/kubernetes/options.js';
import { leaseScene, patient } from '../../kubernetes/lease-scene.js';

const LEASES = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
const all = [
  { ...LEASES, resourceNames: ['orders'], verbs: ['get', 'list', 'watch', 'update'] },
  { ...LEASES, verbs: ['create'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create'] },
];

/** What is said at start under a role with these rules. */
async function saidUnder(
  resourceRules: object[],
  options: KubernetesLeaseOptions = { events: true },
  incomplete = false,
) {
  const { server, store } = await leaseScene(options);
  server.rules = { status: { resourceRules, incomplete } };
  const said: string[] = [];
  const log = { log() {}, error() {}, warn: (message: string) => void said.push(message) };
  const handle = store.open({ name: 'orders', namespace: 'default' }, log);
  await handle.read(patient());
  await handle.read(patient());
  await store.close();
  expect(server.requests.filter(({ path }) => path.endsWith('selfsubjectrulesreviews'))).toHaveLength(1);
  return said;
}

describe('the rights of this replica', () => {
  it('are not mentioned when they suffice', async () => {
    expect(await saidUnder(all)).toEqual([]);
    expect(await saidUnder([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }])).toEqual([]);
  });

  it('are asked for as rules to paste, once, each with its reason', async () => {
    const said = await saidUnder([]);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('watch leases: to take over within milliseconds');
    expect(said[0]?.split('bound to it:\n')[1]).toBe(
      [
        '  - apiGroups: ["coordination.k8s.io"]',
        '    resources: ["leases"]',
        '    resourceNames: ["orders"]',
        '    verbs: ["get", "update", "watch", "list"]',
        '  - apiGroups: ["coordination.k8s.io"]',
        '    resources: ["leases"]',
        '    verbs: ["create"]',
        '  - apiGroups: [""]',
        '    resources: ["events"]',
        '    verbs: ["create"]',
      ].join('\n'),
    );
  });

  it('do not include create where a rule limits it to a name: that grants nothing', async () => {
    const limited = { ...LEASES, resourceNames: ['orders'], verbs: ['*'] };
    const [said] = await saidUnder([limited, all[2]!]);
    expect(said).toContain('create leases');
    expect(said).not.toContain('update leases');
  });

  it('on another lease are none on this', async () => {
    const [said] = await saidUnder([{ ...all[0], resourceNames: ['invoices'] }, all[1]!, all[2]!]);
    expect(said).toContain('update leases');
  });

  it('are asked for only as far as the options go', async () => {
    expect(await saidUnder(all.slice(0, 2), { events: false })).toEqual([]);
    expect((await saidUnder(all, { labelLeaderPod: true, events: true })).join()).toContain('patch pods');
  });

  it('are not doubted where the authorizer cannot list them', async () => {
    expect(await saidUnder([], {}, true)).toEqual([]);
  });
});
