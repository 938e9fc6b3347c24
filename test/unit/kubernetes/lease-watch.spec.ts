import { describe, expect, it, onTestFinished } from 'vitest';
import type { Snapshot } from 'nestjs-leader/election';
import { LeaseApi } from '../../../lib/stores/kubernetes/api/lease-api.js';
import { ApiClient } from '../../../lib/stores/kubernetes/api/api-client.js';
import { KubeconfigCredentials } from '../../../lib/stores/kubernetes/credentials/kubeconfig.js';
import { KubernetesLeaseHandle } from '../../../lib/stores/kubernetes/lease-handle.js';
import { PATIENCE, type WatchPatience } from '../../../lib/stores/kubernetes/lease-watch.js';
import { lines } from '../../../lib/stores/kubernetes/api/lines.js';
import { Transport } from '../../../lib/stores/kubernetes/api/transport.js';
import { answering, type Fault } from '../../kubernetes/fake-api-server.js';
import { kubeConfigOf } from '../../kubernetes/kube-config-of.js';
import { LEASE, leaseScene, recordBy } from '../../kubernetes/lease-scene.js';

const KIND = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' };
const EXPIRED = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };

const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

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
  const handle = new KubernetesLeaseHandle(async () => api, {
    patience: { ...PATIENCE, pause: () => 0, steady: 0, ...patience },
  });
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
    server.tellWatches(event('BOOKMARK', { ...KIND, metadata: { resourceVersion: '5000' } }));
    server.endWatches();
    await expect.poll(() => server.requests.at(-1)?.query.get('resourceVersion')).toBe('5000');
  });

  it.each<[string, (server: Scene['server']) => string]>([
    ['nothing', () => ''],
    ['a bookmark', () => event('BOOKMARK', { ...KIND, metadata: { resourceVersion: '5000' } })],
    ['an old event', ({ leases }) => event('MODIFIED', leases.get(LEASE.namespace, LEASE.name))],
    ['the state of the moment', ({ leases }) => event('ADDED', leases.get(LEASE.namespace, LEASE.name))],
  ])('ends when the server ends it after %s: reopening forever is for the election to pace', async (_what, told) => {
    const { server, watch } = await watchScene({ steady: 10_000 }, (server) => {
      server.fault = ({ query }, response) => {
        if (!query.has('watch')) return false;
        response.writeHead(200).end(told(server));
        return true;
      };
    });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    expect(server.requests.filter(({ query }) => query.has('watch'))).toHaveLength(1);
  });

  it('ends when the server ends it after an event that is news', async () => {
    const { server, next, watch, write } = await watchScene({ steady: 10_000 });
    const pending = next();
    await opened(server);
    await write();
    await pending;
    server.endWatches();
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it('shows events of lower versions once it has been reopened: the server may have been restored meanwhile', async () => {
    const { server, next, first } = await watchScene();
    const pending = next();
    await opened(server);
    const leap = { ...server.leases.get(LEASE.namespace, LEASE.name) };
    leap.metadata = { ...leap.metadata, resourceVersion: String(first.token + 5000n) };
    server.tellWatches(event('MODIFIED', leap));
    expect((await pending).token).toBe(first.token + 5000n);
    const after = next();
    server.endWatches();
    await expect.poll(() => server.requests.filter(({ query }) => query.has('watch')).length).toBe(2);
    await opened(server);
    const restored = server.leases.get(LEASE.namespace, LEASE.name);
    server.tellWatches(event('MODIFIED', restored));
    expect((await after).token).toBe(first.token);
  });

  it('shows nothing twice and nothing old', async () => {
    const { server, next, first, write } = await watchScene();
    const pending = next();
    await opened(server);
    const old = { ...server.leases.get(LEASE.namespace, LEASE.name) };
    server.tellWatches(event('MODIFIED', old));
    const newer = await write();
    expect((await pending).token).toBe(newer.token);
    expect(newer.token).toBeGreaterThan(first.token);
  });

  it('throws what the server says of it', async () => {
    const { server, next } = await watchScene();
    const pending = next();
    await opened(server);
    server.tellWatches(event('ERROR', EXPIRED));
    await expect(pending).rejects.toMatchObject({ code: 'STORE_FAILED', message: /too old resource version/ });
  });

  it('throws with the pause that the server asks for in it', async () => {
    const { server, next } = await watchScene();
    const pending = next();
    await opened(server);
    const busy = { kind: 'Status', code: 429, message: 'too many requests', details: { retryAfterSeconds: 7 } };
    server.tellWatches(event('ERROR', busy));
    await expect(pending).rejects.toMatchObject({ code: 'STORE_FAILED', retryAfter: 7000 });
  });

  it.each<[string, 'list' | 'watch', number]>([
    ['its list', 'list', 429],
    ['its list', 'list', 503],
    ['the watch itself', 'watch', 429],
    ['the watch itself', 'watch', 503],
  ])('throws with the pause that a refusal of %s (%s, %i) asks for', async (_what, verb, code) => {
    const { server, handle } = await leaseScene();
    server.fault = ({ path, query }, ...rest) =>
      path.endsWith('/leases') &&
      query.has('watch') === (verb === 'watch') &&
      answering(code, { kind: 'Status', code }, { 'retry-after': '20' })(...([{}, ...rest] as Parameters<Fault>));
    const watch = handle.watch!(new AbortController().signal)[Symbol.asyncIterator]();
    const all = (async () => {
      for (;;) if ((await watch.next()).done) return;
    })();
    await expect(all).rejects.toMatchObject({ retryAfter: 20_000 });
  });

  it.each<[string, Fault]>([
    ['an event', answering(200, event('ERROR', EXPIRED))],
    ['a status', answering(410, EXPIRED)],
  ])('outlives the expiry of its version, told by %s, where the role allows no list', async (_what, expired) => {
    const { server, next, write } = await watchScene({ steady: 10_000 }, (server) => {
      server.forbidden.add('list leases');
      server.fault = (request, ...rest) =>
        request.query.has('watch') && request.query.has('resourceVersion') && expired(request, ...rest);
    });
    const pending = next();
    await opened(server);
    expect(server.requests.at(-1)?.query.has('resourceVersion')).toBe(false);
    const newer = await write();
    expect((await pending).token).toBe(newer.token);
  });

  it('is not begun anew forever by a server that calls every version too old', async () => {
    const { server, watch } = await watchScene({ steady: 10_000 }, (server) => {
      server.forbidden.add('list leases');
      server.fault = (request, ...rest) => {
        if (!request.query.has('watch')) return false;
        const { leases } = server;
        // News each time, and then too old.
        leases.edit(LEASE.namespace, LEASE.name, ({ metadata }) => (metadata.labels = { at: leases.resourceVersion }));
        const news = event('MODIFIED', leases.get(LEASE.namespace, LEASE.name));
        return answering(200, news + event('ERROR', EXPIRED))(request, ...rest);
      };
    });
    const all = (async () => {
      for (;;) if ((await watch.next()).done) return;
    })();
    await expect(all).rejects.toMatchObject({ message: /too old resource version/ });
    expect(server.requests.filter(({ query }) => query.has('watch'))).toHaveLength(2);
  });

  it('takes white space for silence: it tells nothing', async () => {
    const { server, next } = await watchScene({ silence: 100 });
    const pending = next();
    await opened(server);
    const drip = setInterval(() => server.tellWatches(' '), 10);
    onTestFinished(() => clearInterval(drip));
    await expect(pending).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
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
