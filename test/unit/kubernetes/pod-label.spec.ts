import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { KubernetesLeaseOptions } from '../../../lib/stores/kubernetes/options.js';
import { ownPod } from '../../../lib/stores/kubernetes/extras/pod-label.js';
import { answering } from '../../kubernetes/fake-api-server.js';
import { LEASE, leaseScene, patient, recordBy } from '../../kubernetes/lease-scene.js';

const LABEL = 'nestjs-leader/orders';

/** As `expect.poll`, which would advance the faked clock with every look. */
const until = async (condition: () => boolean) => {
  while (!condition()) await setImmediate();
};

async function podScene(options: KubernetesLeaseOptions = {}) {
  vi.stubEnv('POD_NAME', 'orders-1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const scene = await leaseScene({ labelLeaderPod: true, ...options });
  scene.server.pods.set('orders-1', { app: 'orders' });
  scene.server.pods.set('orders-2', { app: 'orders' });
  return { ...scene, labels: (pod = 'orders-1') => scene.server.pods.get(pod) };
}

describe("the label on the leader's Pod", () => {
  it('is there while the term lasts and gone after the release, beside all others', async () => {
    const { write, labels } = await podScene();
    await write();
    await expect.poll(() => labels()).toEqual({ app: 'orders', [LABEL]: 'leader' });
    await write(recordBy(null));
    await expect.poll(() => labels()).toEqual({ app: 'orders' });
  });

  it('goes when another holder is seen', async () => {
    const { server, handle, write, labels } = await podScene();
    await write();
    await expect.poll(() => labels()).toHaveProperty([LABEL]);
    server.leases.edit(LEASE.namespace, LEASE.name, ({ spec }) => (spec.holderIdentity = 'thief'));
    await handle.read(patient());
    await expect.poll(() => labels()).toEqual({ app: 'orders' });
  });

  it('is taken off a Pod that crashed with it', async () => {
    const { server, write, labels } = await podScene();
    server.pods.set('orders-2', { app: 'orders', [LABEL]: 'leader' });
    server.pods.set('invoices-1', { 'nestjs-leader/invoices': 'leader' });
    await write();
    await expect.poll(() => labels('orders-2')).toEqual({ app: 'orders' });
    expect(labels()).toHaveProperty([LABEL], 'leader');
    expect(labels('invoices-1')).toHaveProperty(['nestjs-leader/invoices'], 'leader');
  });

  it('is not taken off a Pod that leads by now', async () => {
    const { server, write, labels } = await podScene();
    server.pods.set('orders-2', { app: 'orders', [LABEL]: 'leader' });
    server.fault = ({ method, path, body }) => {
      if (method === 'PATCH' && path.endsWith('/orders-2') && body?.metadata.labels[LABEL] === null) {
        // Between our list and our patch the other one has changed.
        server.pods.set('orders-2', { app: 'orders', [LABEL]: 'leader', since: 'now' });
      }
    };
    await write();
    await expect.poll(() => server.requests.some(({ path }) => path.endsWith('/orders-2'))).toBe(true);
    await expect.poll(() => labels()).toHaveProperty([LABEL]);
    expect(labels('orders-2')).toHaveProperty([LABEL], 'leader');
  });

  it('is put on in the end when the first attempt fails, and only if we still lead', async () => {
    const { server, write, labels } = await podScene();
    let attempts = 0;
    server.fault = ({ method }, response) => {
      if (method !== 'PATCH' || attempts++ > 0) return false;
      response.writeHead(503).end();
      return true;
    };
    await write();
    await expect.poll(() => labels(), { timeout: 5_000 }).toHaveProperty([LABEL], 'leader');
    expect(attempts).toBeGreaterThan(1);
  });

  it('is taken off by a container that comes back after a crash in the same Pod', async () => {
    const { server, handle, labels } = await podScene();
    server.pods.set('orders-1', { app: 'orders', [LABEL]: 'leader' });
    await handle.read(patient());
    await expect.poll(() => labels()).toEqual({ app: 'orders' });
  });

  it('goes although the answer to putting it on was lost', async () => {
    const { server, write, labels } = await podScene();
    let lost = false;
    server.fault = ({ method, body }, response) => {
      if (method !== 'PATCH' || body?.metadata.labels[LABEL] === null || lost) return false;
      lost = true;
      server.pods.set('orders-1', { app: 'orders', [LABEL]: 'leader' });
      response.writeHead(504).end();
      return true;
    };
    await write();
    await expect.poll(() => lost).toBe(true);
    await write(recordBy(null));
    await expect.poll(() => labels()).toEqual({ app: 'orders' });
  });

  it('ends up off after a term of a moment, whatever the order of answers', async () => {
    const { server, store, write, labels } = await podScene();
    await write();
    await write(recordBy(null));
    await store.close();
    expect(labels()).toEqual({ app: 'orders' });
    expect(server.pods.size).toBe(2);
  });

  it('goes when the store is closed in the middle of a term', async () => {
    const { store, write, labels } = await podScene();
    await write();
    await expect.poll(() => labels()).toHaveProperty([LABEL]);
    await store.close();
    expect(labels()).toEqual({ app: 'orders' });
  });

  it('is left alone for as long as the API server asks', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { server, store, handle, write } = await podScene();
    const patches = () => server.requests.filter(({ method }) => method === 'PATCH').length;
    server.fault = (request, ...rest) =>
      request.method === 'PATCH' &&
      answering(429, { kind: 'Status', code: 429 }, { 'retry-after': '20' })(request, ...rest);
    await write();
    await until(() => vi.getTimerCount() === 1);
    expect(patches()).toBe(1);
    await vi.advanceTimersByTimeAsync(19_999);
    // Sent after whatever else there is to send.
    for (let i = 0; i < 3; i++) await handle.read(patient());
    expect(patches()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => patches() === 2);
    server.fault = undefined;
    vi.useRealTimers();
    await store.close();
  });

  it('is not asked for any more once the store is closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { server, store, handle, write } = await podScene();
    const patches = () => server.requests.filter(({ method }) => method === 'PATCH');
    server.forbidden.add('patch pods');
    await write();
    await expect.poll(patches).not.toEqual([]);
    // Until it waits for its next try.
    await expect.poll(() => vi.getTimerCount()).toBe(1);
    await store.close();
    const asked = patches();
    vi.advanceTimersByTime(60_000);
    // Sent after whatever else there is to send.
    for (let i = 0; i < 3; i++) await handle.read(patient());
    expect(patches()).toEqual(asked);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is given up when the store is closed and the API server does not answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { server, store, handle, write, labels } = await podScene();
    await write();
    await expect.poll(() => labels()).toHaveProperty([LABEL]);
    let unanswered = 0;
    server.fault = ({ method }) => method === 'PATCH' && ++unanswered > 0;
    const closed = store.close();
    await expect.poll(() => unanswered).toBe(1);
    vi.advanceTimersByTime(1_000);
    await closed;
    for (let i = 0; i < 3; i++) await handle.read(patient());
    expect(unanswered).toBe(1);
  });

  it('needs a lease name that fits a label', async () => {
    const { store } = await podScene();
    expect(() => store.open({ name: 'x'.repeat(64) })).toThrow(/63 characters/);
  });

  it('says once which right is missing, or that the pod is not found', async () => {
    const { server, store } = await podScene();
    const said: string[] = [];
    const log = { log() {}, error() {}, warn: (message: string) => void said.push(message) };
    const lead = async (name: string) => {
      const handle = store.open({ name, namespace: 'default' }, log);
      await handle.replace(await handle.read(patient()), recordBy('a'), patient());
    };
    server.forbidden.add('patch pods');
    await lead('forbidden');
    await expect.poll(() => said.join()).toContain('verbs: ["patch"]');
    server.forbidden.clear();
    vi.stubEnv('POD_NAME', 'node-17');
    await lead('host-network');
    await expect.poll(() => said.join()).toContain('set POD_NAME from the downward API');
  });
});

describe('the own Pod', () => {
  const pod = { name: 'orders-7', uid: 'u7', namespace: 'shop' };
  const find = async (claims: typeof pod | null) => {
    onTestFinished(() => void vi.unstubAllEnvs());
    return ownPod({ namespace: () => Promise.resolve('default') } as never, { pod: () => Promise.resolve(claims) })(
      patient(),
    );
  };

  it('is the one that the token names: in the network of the host, the host name is that of the node', async () => {
    vi.stubEnv('POD_NAME', undefined);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1');
    vi.stubEnv('HOSTNAME', 'node-1');
    expect(await find(pod)).toEqual(pod);
    expect(await find(null)).toEqual({ name: 'node-1', namespace: 'default' });
  });

  it('is what POD_NAME says, where it says something', async () => {
    vi.stubEnv('POD_NAME', 'orders-9');
    expect(await find(pod)).toEqual({ name: 'orders-9', namespace: 'default' });
  });
});
