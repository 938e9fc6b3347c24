import { describe, expect, it } from 'vitest';
import { answering, json, type Fault } from '../../kubernetes/fake-api-server.js';
import { appliedBy, impatient, LEASE, leaseScene, patient, recordBy } from '../../kubernetes/lease-scene.js';

/** A write that is carried out on a connection which then breaks; `fault` answers its repetition. */
async function writeAcrossReset(fault: Fault) {
  const { server, handle, write } = await leaseScene();
  const seen = await write();
  const landed = recordBy('a');
  const closed = server.connections;
  let sendings = 0;
  server.fault = (request, response, incoming) => {
    sendings += 1;
    if (request.connection > closed) return fault(request, response, incoming);
    server.leases.update(LEASE.namespace, LEASE.name, request.body!);
    incoming.socket.destroy();
    return true;
  };
  const outcome = await handle.replace(seen, landed, patient());
  server.fault = undefined;
  return { outcome, landed, sendings, now: await handle.read(patient()) };
}

describe('connections to the API server', () => {
  it('are kept: calls that follow each other share one', async () => {
    const { server, handle, write } = await leaseScene();
    let seen = await write();
    for (let i = 0; i < 10; i++) seen = appliedBy(await handle.replace(seen, recordBy('a'), patient()));
    expect(server.connections).toBe(1);
  });

  it('of a watch and of calls are different ones', async () => {
    const { server, handle, write } = await leaseScene();
    const over = new AbortController();
    const watch = handle.watch!(over.signal)[Symbol.asyncIterator]();
    await watch.next();
    const next = watch.next();
    await expect.poll(() => server.openWatches).toBe(1);
    await write();
    await next;
    const watching = server.requests.find(({ query }) => query.has('watch'))!.connection;
    expect(server.requests.filter(({ connection }) => connection === watching)).toHaveLength(1);
    over.abort();
  });

  it('that all froze cost one failed attempt, not one each', async () => {
    const { server, handle } = await leaseScene();
    await Promise.all([1, 2, 3].map(() => handle.read(patient())));
    const frozen = server.connections;
    expect(frozen).toBeGreaterThan(1);
    server.fault = ({ connection }) => connection <= frozen;
    await expect(handle.read(impatient())).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    await expect(handle.read(patient())).resolves.toBeDefined();
  });

  it('that the server closed while idle are no failure, however many they are', async () => {
    const { server, handle, write } = await leaseScene();
    const seen = await write();
    await Promise.all([1, 2, 3].map(() => handle.read(patient())));
    const closed = server.connections;
    expect(closed).toBeGreaterThan(1);
    server.fault = ({ connection }, _response, incoming) => {
      if (connection <= closed) incoming.socket.destroy();
      return connection <= closed;
    };
    appliedBy(await handle.replace(seen, recordBy('a'), patient()));
  });

  it('that the server closed after the write arrived never make it count twice', async () => {
    const { outcome, landed, now } = await writeAcrossReset(() => false);
    // The election reads after a conflict and recognises its own write.
    expect(outcome.kind).toBe('conflict');
    expect(now.lease?.record.writeId).toBe(landed.writeId);
  });

  it.each([400, 401, 403, 404, 413, 422, 429])(
    'that the server closed after the write arrived leave it unknown when it is refused the second time, with a %i',
    async (code) => {
      const { outcome, landed, now, sendings } = await writeAcrossReset((_request, response) => {
        json(response, code, { kind: 'Status', code }, { 'retry-after': '2' });
        return true;
      });
      expect(outcome).toMatchObject({ kind: 'unknown', cause: { message: expect.stringContaining(`HTTP ${code}`) } });
      expect(now.lease?.record.writeId).toBe(landed.writeId);
      expect(sendings).toBe(2);
    },
  );

  it.each<[string, Fault]>([
    ['a 500', answering(500, { kind: 'Status', code: 500, message: 'etcdserver: request timed out' })],
    ['a 502', answering(502, { kind: 'Status', code: 502 })],
    ['a 503', answering(503, { kind: 'Status', code: 503 }, { 'retry-after': '1' })],
    ['a 504', answering(504, { kind: 'Status', code: 504 })],
    ['a success of another language', answering(200, '<html>Sign in</html>')],
    ['a refusal by somebody on the way', answering(403, 'RBAC: access denied')],
    ['an empty success', answering(200, '')],
  ])('that lead to one who answers %s are left, the idle ones too', async (_what, fault) => {
    const { server, handle } = await leaseScene();
    await Promise.all([1, 2, 3].map(() => handle.read(patient())));
    const ill = server.connections;
    expect(ill).toBeGreaterThan(1);
    // One of several API servers behind the address: what is open stays with it, what is opened now reaches another one.
    server.fault = (request, ...rest) => request.connection <= ill && fault(request, ...rest);
    await expect(handle.read(patient())).rejects.toMatchObject({ name: 'LeaseStoreError' });
    await expect(handle.read(patient())).resolves.toBeDefined();
    await expect.poll(() => server.openConnections).toBe(1);
  });

  it('that lead to one who knows no credentials any more are left', async () => {
    const { server, handle } = await leaseScene();
    await Promise.all([1, 2, 3].map(() => handle.read(patient())));
    const ill = server.connections;
    server.fault = (request, ...rest) =>
      request.connection <= ill && answering(401, { kind: 'Status', code: 401 })(request, ...rest);
    await expect(handle.read(patient())).resolves.toBeDefined();
  });

  it('are left when a watch meets an ill server', async () => {
    const { server, handle, write } = await leaseScene();
    await write();
    server.fault = ({ query }, response) => {
      if (!query.has('watch')) return false;
      json(response, 503, { kind: 'Status', code: 503 });
      return true;
    };
    const watch = handle.watch!(patient())[Symbol.asyncIterator]();
    await watch.next();
    await expect(watch.next()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it.each<[string, Fault]>([
    ['a 429 in plain text', answering(429, 'Too many requests', { 'retry-after': '1' })],
    ['a refusal', answering(403, { kind: 'Status', code: 403 })],
  ])('are kept at %s: a server that is busy or right is not ill', async (_what, fault) => {
    const { server, handle } = await leaseScene();
    await handle.read(patient());
    server.fault = fault;
    await expect(handle.read(patient())).rejects.toMatchObject({ name: 'LeaseStoreError' });
    server.fault = undefined;
    await handle.read(patient());
    expect(server.connections).toBe(1);
  });

  it('are made anew when the CA rotates, at the cost of one failed attempt', async () => {
    const { server, handle } = await leaseScene();
    await handle.read(patient());
    server.rotateCa();
    server.cutConnections();
    const attempts = [() => handle.read(patient()), () => handle.read(patient())];
    const [first, second] = [await attempts[0]!().catch((error: unknown) => error), await attempts[1]!()];
    expect(first).toMatchObject({ code: 'STORE_FAILED' });
    expect(second).toBeDefined();
  });

  it('are gone after close', async () => {
    const { server, store, handle } = await leaseScene();
    await handle.read(patient());
    await store.close();
    await expect.poll(() => server.openConnections).toBe(0);
  });
});
