import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { ControlPlane } from '../control-plane/control-plane.js';
import { applyManifests } from '../fleet/manifests.js';
import { sampleImage } from './images.js';
import { Node } from './node.js';
import { sampleManifests } from './sample-manifests.js';

/**
 * `npm run crashes -- [--kills 10] [--replicas 2]`: kills the leader of the sample's Deployment on a real node, again and again, and
 * measures until the next one holds the lease. What was measured is kept in `.cache/crashes.json`: run again, it goes on.
 */
const { values } = parseArgs({
  options: { kills: { type: 'string', default: '10' }, replicas: { type: 'string', default: '2' } },
});
const [kills, replicas] = [Number(values.kills), Number(values.replicas)];
const KEPT = '.cache/crashes.json';
/** A term that is younger than its lease is waited out. */
const LEASE = 15_000;

type Series = Record<string, number[]>;

const kept: Series = existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Series) : {};
const samples = (kept[`${replicas} replicas`] ??= []);

const folder = mkdtempSync(join(tmpdir(), 'nestjs-leader-crashes-'));
const controlPlane = await ControlPlane.start({ node: Node.user() });
const node = await Node.start(controlPlane);
try {
  await node.importImage(await sampleImage().archive(join(folder, 'sample.tar')));
  for (const manifest of sampleManifests(controlPlane.access.url, replicas))
    await applyManifests(controlPlane.admin, stringify(manifest));
  while (samples.length < kills) {
    await settled();
    const milliseconds = await kill();
    samples.push(milliseconds);
    writeFileSync(KEPT, JSON.stringify(kept));
    console.log(`kill ${samples.length}: the next one holds the lease after ${milliseconds.toFixed(0)} ms`);
  }
} finally {
  await node.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true });
}
const sorted = samples.toSorted((a, b) => a - b);
console.log(
  `${replicas} replicas, ${sorted.length} kills: median ${sorted[Math.floor(sorted.length / 2)]!.toFixed(0)} ms, most ${sorted.at(-1)!.toFixed(0)} ms`,
);

interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string }[] };
}

async function pods(): Promise<Pod[]> {
  const list = await controlPlane.admin.must('GET', '/api/v1/namespaces/orders/pods');
  return (list as unknown as { items: Pod[] }).items;
}

async function holder(): Promise<string> {
  const { status, body } = await controlPlane.admin.call(
    'GET',
    '/apis/coordination.k8s.io/v1/namespaces/orders/leases/orders-worker',
  );
  return status === 200 ? ((body as { spec?: { holderIdentity?: string } }).spec?.holderIdentity ?? '') : '';
}

/** As many replicas as there should be are ready, one holds the lease, and has done so for longer than a lease. */
async function settled(): Promise<void> {
  const isReady = ({ metadata, status }: Pod) =>
    metadata.deletionTimestamp === undefined &&
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  for (let [since, last] = [performance.now(), '']; performance.now() - since < LEASE + 1000; await sleep(500)) {
    const current = await holder();
    if (current !== '' && current === last && (await pods()).filter(isReady).length === replicas) continue;
    [since, last] = [performance.now(), current];
  }
}

async function kill(): Promise<number> {
  const leader = await holder();
  // A replica is called like its Pod.
  const pod = (await pods()).find(({ metadata }) => leader.startsWith(`${metadata.name}_`));
  if (pod === undefined) throw new Error(`No Pod belongs to ${leader}.`);
  const [pid] = node
    .podProcesses(pod.metadata.uid)
    .filter((it) => readFileSync(`/proc/${it}/cmdline`, 'utf8').includes('main.js'));
  const killed = performance.now();
  process.kill(pid!, 'SIGKILL');
  while ([leader, ''].includes(await holder())) await sleep(10);
  const took = performance.now() - killed;
  // Else the kubelet starts the next one later each time.
  await controlPlane.admin.call('DELETE', `/api/v1/namespaces/orders/pods/${pod.metadata.name}`);
  return took;
}
