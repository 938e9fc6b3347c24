import { describe, expect, it } from 'vitest';
import type { Snapshot } from 'nestjs-leader/election';
import { json } from '../../kubernetes/fake-api-server.js';
import { LEASE, leaseScene, patient, recordBy, writerOf } from '../../kubernetes/lease-scene.js';

/**
 * An API server behind whose back etcd was restored: what it answers from etcd (get, update) is of the new history, what it answers
 * from its cache (list, watch) is of the old one, whose versions are higher.
 */
async function restoredScene({ absent = false } = {}) {
  const scene = await leaseScene({ labelLeaderPod: false });
  const { server, write } = scene;
  await write();
  const { leases } = server;
  const { kind: _kind, apiVersion: _version, ...lease } = structuredClone(leases.get(LEASE.namespace, LEASE.name));
  lease.metadata.resourceVersion = '9000';
  if (absent) leases.delete(LEASE.namespace, LEASE.name);
  let cached: object | undefined = lease;
  server.fault = ({ path, query, method }, response) => {
    if (method !== 'GET' || !path.endsWith('/leases')) return false;
    // Nothing new before etcd has caught up.
    if (query.has('watch')) {
      response.writeHead(200).flushHeaders();
    } else {
      json(response, 200, {
        kind: 'LeaseList',
        apiVersion: 'coordination.k8s.io/v1',
        metadata: { resourceVersion: '9001' },
        items: cached ? [cached] : [],
      });
    }
    return true;
  };
  const watch = scene.handle.watch!(patient())[Symbol.asyncIterator]();
  return { ...scene, watch, forget: () => (cached = undefined) };
}

describe('where etcd was restored behind a running API server', () => {
  it('a read shows what etcd has, not what is listed', async () => {
    const { server, handle } = await restoredScene();
    const read = await handle.read(patient());
    expect(read.lease?.version).toBe(server.leases.get(LEASE.namespace, LEASE.name).metadata.resourceVersion);
  });

  it('a lease that is gone in etcd is absent, although it is still listed', async () => {
    const { handle, write } = await restoredScene({ absent: true });
    const absent = await handle.read(patient());
    expect(absent.lease).toBeNull();
    // Of another history: a new lease would have to reach its version first.
    expect(absent.token).toBeLessThan(9000n);
    expect((await write()).token).toBeGreaterThan(absent.token);
  });

  it.each([
    ['a lease that it lists as newer', false],
    ['a lease that is gone in etcd', true],
  ])('no watch begins at %s, and it is said what to do', async (_what, absent) => {
    const { server, watch } = await restoredScene({ absent });
    await expect(watch.next()).rejects.toMatchObject({
      code: 'STORE_WENT_BACK',
      advice: expect.stringContaining('Restart the API servers'),
    });
    expect(server.requests.some(({ query }) => query.has('watch'))).toBe(false);
  });

  it('no watch begins at an absence that etcd does not know', async () => {
    const { watch, forget } = await restoredScene();
    forget();
    await expect(watch.next()).rejects.toMatchObject({ code: 'STORE_WENT_BACK' });
  });

  it('no watch goes on from the cache where the role allows no list', async () => {
    const { server, watch } = await restoredScene();
    server.forbidden.add('list leases');
    const future = structuredClone(server.leases.get(LEASE.namespace, LEASE.name));
    future.metadata.resourceVersion = '9000';
    server.fault = ({ query }, response) => {
      if (!query.has('watch')) return false;
      const expired = { kind: 'Status', code: 410, message: 'too old resource version' };
      const [type, object] = query.has('resourceVersion') ? ['ERROR', expired] : ['ADDED', future];
      response.writeHead(200).write(`${JSON.stringify({ type, object })}\n`);
      return true;
    };
    expect(((await watch.next()).value as Snapshot).token).toBeLessThan(9000n);
    await expect(watch.next()).rejects.toMatchObject({ code: 'STORE_WENT_BACK' });
  });

  it('an own term that is lost in the new history ends for those who watch terms', async () => {
    const { server, handle, store, write } = await leaseScene({ events: true });
    await write(recordBy('a'));
    await expect.poll(() => server.events).toHaveLength(1);
    server.leases.edit(LEASE.namespace, LEASE.name, ({ spec }) => (spec.holderIdentity = 'b'));
    const lower = structuredClone(server.leases.get(LEASE.namespace, LEASE.name));
    lower.metadata.resourceVersion = '7';
    server.fault = ({ method, path }, response) => {
      if (method !== 'GET' || !path.endsWith('/orders')) return false;
      json(response, 200, lower);
      return true;
    };
    await handle.read(patient());
    await expect.poll(() => server.events.map(({ message }) => message)).toContain('a stopped leading');
    await store.close();
  });
});

describe('where the lease changes while it is looked at', () => {
  it('a watch begins at what was created after the list', async () => {
    const { server, handle } = await leaseScene();
    server.fault = ({ path, query }) => {
      if (path.endsWith('/orders')) server.fault = undefined;
      if (path.endsWith('/orders') && !query.has('watch')) writerOf(server)('late');
      return false;
    };
    const watch = handle.watch!(patient())[Symbol.asyncIterator]();
    expect(((await watch.next()).value as Snapshot).lease?.record.holder).toBe('late');
  });

  it('a watch begins at the absence of what was deleted after the list', async () => {
    const { server, handle, write } = await leaseScene();
    const before = await write();
    server.fault = ({ path }) => {
      if (!path.endsWith('/orders')) return false;
      server.fault = undefined;
      server.leases.delete(LEASE.namespace, LEASE.name);
      return false;
    };
    const watch = handle.watch!(patient())[Symbol.asyncIterator]();
    const first = (await watch.next()).value as Snapshot;
    expect(first.lease).toBeNull();
    expect(first.token).toBeGreaterThan(before.token);
  });

  it('a read shows what was created after the get, as etcd has it', async () => {
    const { server, handle } = await leaseScene();
    server.fault = ({ path }) => {
      if (!path.endsWith('/leases')) return false;
      server.fault = undefined;
      writerOf(server)('late');
      return false;
    };
    expect((await handle.read(patient())).lease?.record.holder).toBe('late');
  });
});
