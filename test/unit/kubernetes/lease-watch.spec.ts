import { describe, expect, it, onTestFinished } from 'vitest';
import type { Snapshot } from 'nestjs-leader/election';
import { LeaseApi } from '../../../lib/stores/kubernetes/lease-api.js';
import { ApiClient } from '../../../lib/stores/kubernetes/api-client.js';
import { KubeconfigCredentials } from '../../../lib/stores/kubernetes/credentials-kubeconfig.js';
import { KubernetesLeaseHandle } from '../../../lib/stores/kubernetes/lease-handle.js';
import { PATIENCE, type WatchPatience } from '../../../lib/stores/kubernetes/lease-watch.js';
import { lines } from '../../../lib/stores/kubernetes/lines.js';
import { Transport } from '../../../lib/stores/kubernetes/transport.js';
import { kubeConfigOf } from '../../kubernetes/kube-config-of.js';
import { LEASE, leaseScene, recordBy } from '../../kubernetes/lease-scene.js';

/** A watch that has shown its first state and is connected. */
async function watchScene(
  patience: Partial<WatchPatience> = {},
  prepare: (server: Scene['server']) => void = () => {},
) {
  const scene = await leaseScene();
  await scene.write();
  prepare(scene.server);
  const transport = new Transport();
  const client = new ApiClient(new KubeconfigCredentials(kubeConfigOf(scene.server)), transport);
  const api = new LeaseApi(client, LEASE.name, LEASE.namespace);
  const handle = new KubernetesLeaseHandle(async () => api, { patience: { ...PATIENCE, pause: () => 0, ...patience } });
  const over = new AbortController();
  onTestFinished(() => {
    over.abort();
    transport.close();
  });
  const watch = handle.watch(over.signal);
  const first = (await watch.next()).value as Snapshot;
  const next = async () => (await watch.next()).value as Snapshot;
  return { ...scene, over, watch, first, next };
}

type Scene = Awaited<ReturnType<typeof leaseScene>>;

/** Waits until the watch is open, so that what follows happens in front of it. */
const opened = (server: Scene['server'], count = 1) => expect.poll(() => server.openWatches).toBe(count);

describe('a watch of a Lease', () => {
  it('makes no request but one while the lease is renewed', async () => {
    const { server, next, write } = await watchScene();
    const pending = next();
    await opened(server);
    const before = server.requests.filter(({ method, query }) => method === 'GET' && query.has('watch')).length;
    await write(recordBy('a', { term: 't' }));
    expect((await pending).lease?.record.term).toBe('t');
    for (let i = 0; i < 5; i++) {
      const renewed = next();
      await write();
      await renewed;
    }
    expect(server.requests.filter(({ query }) => query.has('watch'))).toHaveLength(before);
  });

  it('goes on where it was when the server ends it, without reading the lease again', async () => {
    const { server, next, write } = await watchScene();
    const pending = next();
    await opened(server);
    await write();
    const seen = await pending;
    const pendingAgain = next();
    server.endWatches();
    await expect.poll(() => server.requests.filter(({ query }) => query.has('watch')).length).toBe(2);
    expect(server.requests.at(-1)?.query.get('resourceVersion')).toBe(String(seen.token));
    const reads = server.requests.length;
    await opened(server);
    await write();
    expect((await pendingAgain).token).toBeGreaterThan(seen.token);
    expect(server.requests.length - reads).toBe(2);
  });

  it('goes on from a bookmark, so that a quiet lease does not fall out of the server history', async () => {
    const { server, next } = await watchScene();
    void next().catch(() => {});
    await opened(server);
    const bookmark = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { resourceVersion: '5000' } };
    server.tellWatches(`${JSON.stringify({ type: 'BOOKMARK', object: bookmark })}\n`);
    server.endWatches();
    await expect.poll(() => server.requests.at(-1)?.query.get('resourceVersion')).toBe('5000');
  });

  it('ends when the server ends it at once: reopening for ever is for the election to pace', async () => {
    const { watch } = await watchScene({}, (server) => {
      server.fault = ({ query }, response) => {
        if (!query.has('watch')) return false;
        response.writeHead(200).end();
        return true;
      };
    });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it('shows nothing twice and nothing old', async () => {
    const { server, next, first, write } = await watchScene();
    const pending = next();
    await opened(server);
    const old = { ...server.leases.get(LEASE.namespace, LEASE.name) };
    server.tellWatches(`${JSON.stringify({ type: 'MODIFIED', object: old })}\n`);
    const newer = await write();
    expect((await pending).token).toBe(newer.token);
    expect(newer.token).toBeGreaterThan(first.token);
  });

  it('throws what the server says of it', async () => {
    const { server, next } = await watchScene();
    const pending = next();
    await opened(server);
    const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    server.tellWatches(`${JSON.stringify({ type: 'ERROR', object: expired })}\n`);
    await expect(pending).rejects.toMatchObject({ code: 'STORE_FAILED', message: /too old resource version/ });
  });

  it('outlives the expiry of its version where the role allows no list', async () => {
    const { server, next, write } = await watchScene({}, (server) => {
      server.forbidden.add('list leases');
      server.leases.compacted = Number(server.leases.resourceVersion) + 1;
    });
    const pending = next();
    await opened(server);
    expect(server.requests.at(-1)?.query.has('resourceVersion')).toBe(false);
    const newer = await write();
    expect((await pending).token).toBe(newer.token);
  });

  it('throws after a silence, and lets the connection go', async () => {
    const { server, next } = await watchScene({ silence: 100 });
    await expect(next()).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    await opened(server, 0);
  });

  it('throws when it is not allowed, with the rule to add', async () => {
    const { next } = await watchScene({}, (server) => void server.forbidden.add('watch leases'));
    const error = await next().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_FORBIDDEN', advice: /verbs: \["watch"\]/ });
  });

  it('throws when the connection is cut', async () => {
    const { server, next } = await watchScene();
    const pending = next();
    await opened(server);
    server.cutConnections();
    await expect(pending).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  it.each([
    ['garbage', 'hello\n'],
    ['a JSON of no meaning', '{}\n'],
    ['another kind', '{"type":"ADDED","object":{"kind":"Pod","metadata":{"resourceVersion":"9999"}}}\n'],
  ])('throws when it is told %s', async (_what, text) => {
    const { server, next } = await watchScene();
    const pending = next();
    await opened(server);
    server.tellWatches(text);
    await expect(pending).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  it('ends, and closes its connection, as soon as it is told to', async () => {
    const { server, over, watch } = await watchScene();
    const pending = watch.next();
    await opened(server);
    over.abort();
    expect(await pending).toEqual({ done: true, value: undefined });
    await opened(server, 0);
  });

  it('closes its connection when the reader leaves the loop', async () => {
    const { server, watch, write } = await watchScene();
    const pending = watch.next();
    await opened(server);
    await write();
    await pending;
    await watch.return(undefined);
    await opened(server, 0);
  });

  it('is tried once more with fresh credentials when they are refused', async () => {
    let refused = 0;
    const { server, next } = await watchScene({}, (server) => {
      server.fault = ({ query }, response) => {
        if (!query.has('watch') || refused++ > 0) return false;
        response.writeHead(401).end();
        return true;
      };
    });
    void next().catch(() => {});
    await opened(server);
    expect(refused).toBe(2);
  });
});

describe('lines of a stream', () => {
  const split = async (...chunks: string[]) => {
    const found: string[] = [];
    for await (const line of lines(
      (async function* () {
        yield* chunks;
      })(),
    ))
      found.push(line);
    return found;
  };

  it('are found however the stream is cut', async () => {
    expect(await split('{"a":1}\n{"b":2}\n')).toEqual(['{"a":1}', '{"b":2}']);
    expect(await split('{"a"', ':1}', '\n{"b":2', '}\n')).toEqual(['{"a":1}', '{"b":2}']);
    expect(await split('{"a":1}\r\n', '\n', '{"b":2}\n{"c"')).toEqual(['{"a":1}', '{"b":2}']);
  });

  it('are bounded', async () => {
    await expect(split('x'.repeat(3 * 1024 * 1024))).rejects.toThrow(/longer/);
  });
});
