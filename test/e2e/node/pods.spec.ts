import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ControlPlane } from '../control-plane/control-plane.js';
import { applyManifests } from '../fleet/manifests.js';
import { goReplicaBinary } from '../go-replica/binary.js';
import { repository } from '../repository.js';
import { goReplicaImage, sampleImage } from './images.js';
import { mountsBelow } from './mounts.js';
import { Node } from './node.js';
import { PodCgroups } from './pod-cgroups.js';
import { isAlive, processesNaming } from './processes.js';
import { sampleManifests } from './sample-manifests.js';

interface Pod {
  metadata: { name: string; uid: string };
  status: {
    conditions?: { type: string; status: string }[];
    containerStatuses?: { restartCount: number; lastState: { terminated?: { exitCode: number } } }[];
  };
}

const LEADS = /this replica leads, fencing token (\d+)/;
const folder = mkdtempSync(join(tmpdir(), 'nestjs-leader-pods-'));
let controlPlane: ControlPlane;
let node: Node;

const say = (text: string) => console.log(`${(performance.now() / 1000).toFixed(1)} s  ${text}`);

beforeAll(async () => {
  controlPlane = await ControlPlane.start({ node: Node.user() });
  say('the API server answers');
  node = await Node.start(controlPlane);
  say('the node is ready');
}, 1_800_000);

afterAll(async () => {
  // Stopped by a test already, unless one has failed before it.
  await node?.stop();
  await controlPlane?.stop();
  rmSync(folder, { recursive: true });
});

async function pods(namespace = 'orders'): Promise<Pod[]> {
  const list = await controlPlane.admin.must('GET', `/api/v1/namespaces/${namespace}/pods`);
  return (list as unknown as { items: Pod[] }).items;
}

/** What the running container of a Pod has written, through the kubelet. */
async function log(pod: Pod, namespace = 'orders'): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/log`;
  const { status, body } = await controlPlane.admin.call('GET', path);
  return status === 200 ? String(body['text'] ?? '') : '';
}

async function leader(): Promise<{ pod: Pod; token: number } | undefined> {
  for (const pod of await pods()) {
    const text = await log(pod);
    const token = LEADS.exec(text)?.[1];
    if (token && !/leads no more/.test(text)) return { pod, token: Number(token) };
  }
  return undefined;
}

async function holder(): Promise<string> {
  const lease = await controlPlane.admin.must(
    'GET',
    '/apis/coordination.k8s.io/v1/namespaces/orders/leases/orders-worker',
  );
  return (lease.spec as { holderIdentity: string }).holderIdentity;
}

test('a Deployment of the sample runs, one replica leads, its process is killed, the other one leads', async () => {
  await node.importImage(await sampleImage().archive(join(folder, 'sample.tar')));
  for (const manifest of sampleManifests(controlPlane.access.url, 2)) {
    // JSON on one line has no lines for applyManifests to find the name in; indented as YAML is, it has.
    const { stringify } = await import('yaml');
    await applyManifests(controlPlane.admin, stringify(manifest));
  }
  const isReady = ({ status }: Pod) => status.conditions?.some((it) => it.type === 'Ready' && it.status === 'True');
  await vi.waitUntil(async () => (await pods()).filter(isReady).length === 2, { timeout: 120_000, interval: 200 });
  say('two replicas are ready');
  const first = await vi.waitUntil(leader, { timeout: 60_000, interval: 200 });
  const firstHolder = await holder();
  say(`${first.pod.metadata.name} leads as ${firstHolder}, fencing token ${first.token}`);
  expect((await log(first.pod)).match(/shipping/g)?.length ?? 0).toBeGreaterThan(0);

  // A younger term is waited out.
  await sleep(16_000);
  const [pid, ...others] = node
    .podProcesses(first.pod.metadata.uid)
    .filter((it) => readFileSync(`/proc/${it}/cmdline`, 'utf8').includes('main.js'));
  expect(others).toEqual([]);
  const killed = performance.now();
  process.kill(pid!, 'SIGKILL');
  await vi.waitUntil(async () => (await holder()) !== firstHolder, { timeout: 60_000, interval: 100 });
  const seconds = (performance.now() - killed) / 1000;
  say(`after ${seconds.toFixed(1)} s ${await holder()} leads`);
  // Proven by the Pod: the lease itself would have had to be waited out for 12 s at least.
  expect(seconds).toBeLessThan(10);
  const second = await vi.waitUntil(
    async () => {
      const next = await leader();
      return next && next.token > first.token ? next : undefined;
    },
    { timeout: 30_000, interval: 200 },
  );
  expect(second.pod.metadata.name).not.toBe(first.pod.metadata.name);
  say(`${second.pod.metadata.name} leads, fencing token ${second.token}`);

  // The kubelet has seen the crash, and started the container again.
  await vi.waitUntil(
    async () => {
      const crashed = (await pods()).find(({ metadata }) => metadata.uid === first.pod.metadata.uid);
      const status = crashed?.status.containerStatuses?.[0];
      return status?.restartCount === 1 && status.lastState.terminated?.exitCode === 137;
    },
    { timeout: 30_000, interval: 200 },
  );
});

test('a replica of client-go elects itself in a Pod', async () => {
  await node.importImage(await goReplicaImage(await goReplicaBinary()).archive(join(folder, 'go.tar')));
  const { hostname, port } = new URL(controlPlane.access.url);
  await controlPlane.admin.apply('/api/v1/namespaces/orders/pods/go-replica', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'go-replica', namespace: 'orders' },
    spec: {
      hostNetwork: true,
      serviceAccountName: 'orders-worker',
      containers: [
        {
          name: 'replica',
          image: 'go-replica',
          imagePullPolicy: 'Never',
          args: ['--lease=orders-worker-go', '--namespace=orders', '--identity=go', '--sample-every=0s'],
          env: [
            { name: 'KUBERNETES_SERVICE_HOST', value: hostname },
            { name: 'KUBERNETES_SERVICE_PORT', value: port },
          ],
        },
      ],
    },
  });
  // The Role of the sample knows one Lease by name.
  await controlPlane.admin.apply('/apis/rbac.authorization.k8s.io/v1/namespaces/orders/roles/go', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'go', namespace: 'orders' },
    rules: [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] }],
  });
  await controlPlane.admin.apply('/apis/rbac.authorization.k8s.io/v1/namespaces/orders/rolebindings/go', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'go', namespace: 'orders' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'go' },
    subjects: [{ kind: 'ServiceAccount', name: 'orders-worker', namespace: 'orders' }],
  });
  await vi.waitUntil(
    async () => {
      const pod = (await pods()).find(({ metadata }) => metadata.name === 'go-replica');
      return pod && /"kind":"admitted"/.test(await log(pod));
    },
    { timeout: 60_000, interval: 200 },
  );
});

test('when the node is stopped, nothing of it is left', async () => {
  const running = (await pods()).flatMap(({ metadata }) => node.podProcesses(metadata.uid));
  // The program and the process that holds the Pod together, of two Pods or three; and all else that there is to leave.
  expect(running.length).toBeGreaterThanOrEqual(4);
  expect(traces(node.name, tmpdir()).join('\n')).toMatch(/process[^]*mount[^]*cgroup[^]*folder/);

  const begun = performance.now();
  await node.stop();
  await controlPlane.stop();
  say(`stopped in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  expect(running.filter(isAlive)).toEqual([]);
  expect(traces(node.name, tmpdir())).toEqual([]);
});

for (const [signal, moment] of [
  ['SIGTERM', 'starting controllers'],
  ['SIGINT', 'Ctrl-C stops it'],
] as const) {
  test(`npm run cluster -- --node leaves nothing behind when ${signal} comes at "${moment}"`, async () => {
    const own = mkdtempSync(join(folder, 'tmp-'));
    const cluster = spawn(process.execPath, [join(repository, 'test/e2e/dist/cluster.js'), '--node'], {
      env: { ...process.env, TMPDIR: own },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await says(cluster, moment);
    const name = await vi.waitUntil(() => readdirSync(own).find((it) => it.startsWith('nestjs-leader-node-')), {
      timeout: 30_000,
    });
    expect(traces(name, own)).not.toEqual([]);
    cluster.kill(signal);
    const [code] = (await once(cluster, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(traces(name, own)).toEqual([]);
    expect(readdirSync(own)).toEqual([]);
  });
}

/** What there is of a node on this machine, by the name that is in everything that it makes. */
function traces(name: string, temporary: string): string[] {
  const folders = [join(temporary, name), join('/run', name)];
  return [
    ...processesNaming(name).map((pid) => `process ${pid}`),
    ...folders.flatMap(mountsBelow).map((point) => `mount ${point}`),
    ...new PodCgroups(name).folders.map((path) => `cgroup ${path}`),
    ...folders.filter((path) => existsSync(path)).map((path) => `folder ${path}`),
  ];
}

async function says(program: ChildProcess, text: string): Promise<void> {
  let output = '';
  program.stdout!.on('data', (chunk) => (output += String(chunk)));
  await vi.waitUntil(
    () => {
      if (program.exitCode !== null) throw new Error(`It exited, having said:\n${output}`);
      return output.includes(text);
    },
    { timeout: 120_000 },
  );
}
