import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApiClient } from '../../../lib/stores/kubernetes/api/api-client.js';
import { LeaseApi } from '../../../lib/stores/kubernetes/api/lease-api.js';
import { Transport } from '../../../lib/stores/kubernetes/api/transport.js';
import { CrashDetection } from '../../../lib/stores/kubernetes/crash/crash-detection.js';
import { KubeconfigCredentials } from '../../../lib/stores/kubernetes/credentials/kubeconfig.js';
import { KubernetesLeaseHandle } from '../../../lib/stores/kubernetes/lease-handle.js';
import { readProcess, WRITE_MARK } from '../../../lib/stores/kubernetes/write-mark.js';
import { FakeApiServer } from '../../kubernetes/fake-api-server.js';
import { kubeConfigOf } from '../../kubernetes/kube-config-of.js';
import { appliedBy, LEASE, patient, recordBy } from '../../kubernetes/lease-scene.js';

const POD = { name: 'orders-1', uid: 'u1', namespace: 'shop' };

/** One Pod and a replica in it, on a fake API server that shows the Pod to whoever watches it. */
async function scene({ pod = POD as typeof POD | null, uidOfMount = 'u1', mayWatch = true } = {}) {
  const server = await FakeApiServer.start();
  const directory = mkdtempSync(join(tmpdir(), 'crash-detection-'));
  const files = { terminationLog: join(directory, 'termination-log'), mounts: join(directory, 'mountinfo') };
  writeFileSync(files.terminationLog, '');
  writeFileSync(files.mounts, `1 1 8:1 /pods/${uidOfMount}/containers/app/1f ${files.terminationLog} rw - ext4 x rw\n`);
  const watching = new Set<ServerResponse>();
  let podStatus: object = { containerStatuses: [{ name: 'app', state: { running: {} } }] };
  const object = () => ({ kind: 'Pod', metadata: { ...POD, resourceVersion: '7' }, spec: {}, status: podStatus });
  server.fault = ({ path, query }, response) => {
    if (path !== '/api/v1/namespaces/shop/pods' || !mayWatch) return false;
    response.writeHead(200, { 'content-type': 'application/json' });
    if (query.get('watch') === null)
      response.end(JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7' }, items: [object()] }));
    else watching.add(response.on('close', () => watching.delete(response)));
    if (query.get('watch') !== null) response.flushHeaders();
    return true;
  };
  if (!mayWatch) server.forbidden.add('list pods');
  const transport = new Transport();
  const client = new ApiClient(new KubeconfigCredentials(kubeConfigOf(server)), transport);
  const said: string[] = [];
  const log = {
    log: (line: string) => said.push(line),
    warn: (line: string) => said.push(line),
    error: () => undefined,
  };
  const crashes = new CrashDetection(client, () => Promise.resolve(pod), 0, files);
  const api = new LeaseApi(client, LEASE.name, LEASE.namespace);
  const handle = new KubernetesLeaseHandle(() => Promise.resolve(api), { crashes, log });
  onTestFinished(async () => {
    crashes.close();
    transport.close();
    await server.stop();
    rmSync(directory, { recursive: true });
  });
  return {
    server,
    handle,
    crashes,
    log,
    said,
    watching,
    lease: () => server.leases.get(LEASE.namespace, LEASE.name),
    async write(record = recordBy('a')) {
      return appliedBy(await handle.replace(await handle.read(patient()), record, patient()));
    },
    dies(message = readFileSync(files.terminationLog, 'utf8')) {
      const times = { startedAt: '2026-11-27T10:00:00Z', finishedAt: '2026-11-27T10:05:00Z' };
      const terminated = { containerID: 'containerd://0a', reason: 'Error', exitCode: 137, message, ...times };
      podStatus = { containerStatuses: [{ name: 'app', state: { terminated } }] };
      for (const response of watching) response.write(`${JSON.stringify({ type: 'MODIFIED', object: object() })}\n`);
    },
  };
}

/** Resolves with the first word of a watch of the holder. */
async function proof(watch: AsyncIterable<true>): Promise<true> {
  for await (const isGone of watch) return isGone;
  throw new Error('It ended without a word.');
}

async function settled(promise: Promise<unknown>): Promise<string> {
  return Promise.race([
    promise.then(
      () => 'proven',
      () => 'cannot tell',
    ),
    new Promise<string>((resolve) => setImmediate(() => setImmediate(() => resolve('open')))),
  ]);
}

describe('a replica that detects crashes', () => {
  it('names its process in the mark of its writes, and no longer in its release', async () => {
    const { write, lease } = await scene();
    await write();
    expect(readProcess(lease() as never)).toMatchObject({
      namespace: 'shop',
      pod: 'orders-1',
      uid: 'u1',
      container: 'app',
    });
    await write(recordBy(null));
    expect(JSON.parse(lease().metadata.annotations[WRITE_MARK] as string)).not.toHaveProperty('process');
  });

  it('hears of the death of the holder while it watches', async () => {
    const { write, handle, watching, dies, said } = await scene();
    const death = proof(handle.watchHolder!(await write(), patient()));
    await expect.poll(() => watching.size).toBe(1);
    expect(await settled(death)).toBe('open');
    dies();
    await death;
    expect(said).toEqual(['The holder of the lease is dead: its Pod "orders-1" shows the end of that process.']);
  });

  it('finds out about one that had died before it looked', async () => {
    const { write, handle, dies } = await scene();
    const seen = await write();
    dies();
    await proof(handle.watchHolder!(seen, patient()));
  });

  it('does not believe the death of another incarnation', async () => {
    const { write, handle, watching, dies } = await scene();
    const death = proof(handle.watchHolder!(await write(), patient()));
    await expect.poll(() => watching.size).toBe(1);
    dies('\nleader=0123456789abcdef0123456789abcdef\n');
    await expect.poll(async () => settled(death)).toBe('open');
  });

  it('watches a Pod once, however many elections it leads, and not at all when nobody asks', async () => {
    const { write, handle, watching, server } = await scene();
    const seen = await write();
    const over = new AbortController();
    const deaths = [1, 2, 3].map(() => proof(handle.watchHolder!(seen, over.signal)));
    await expect.poll(() => watching.size).toBe(1);
    expect(server.requests.filter(({ query }) => query.get('watch') !== null)).toHaveLength(1);
    over.abort();
    await Promise.allSettled(deaths);
    await expect.poll(() => watching.size).toBe(0);
  });

  it('cannot tell where Pods may not be watched, says so once, and does not ask again at each renewal', async () => {
    const { write, handle, server, said } = await scene({ mayWatch: false });
    const seen = await write();
    await expect(proof(handle.watchHolder!(seen, patient()))).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
    await expect(proof(handle.watchHolder!(seen, patient()))).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
    expect(said).toHaveLength(1);
    expect(server.requests.filter(({ path }) => path.endsWith('/pods'))).toHaveLength(1);
  });

  it('cannot tell of a holder that has left no proof, or whose mark is void', async () => {
    const { write, handle, server } = await scene();
    await write();
    server.leases.edit(LEASE.namespace, LEASE.name, ({ spec }) => (spec.holderIdentity = 'client-go'));
    await expect(proof(handle.watchHolder!(await handle.read(patient()), patient()))).rejects.toThrow(
      'does not say which process',
    );
  });

  it.each([
    ['its token names no Pod', { pod: null }, 'the token of this process names no Pod'],
    ['the termination log is that of another Pod', { uidOfMount: 'u2' }, 'is that of another Pod'],
  ])('leads without where %s, and says so once', async (_, setup, why) => {
    const { crashes, log, said } = await scene(setup);
    expect(await crashes.incarnation(log)).toBeNull();
    expect(await crashes.incarnation(log)).toBeNull();
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(why);
  });
});
