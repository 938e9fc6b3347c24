import { randomUUID } from 'node:crypto';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresLease } from '../../lib/stores/postgres/index.js';
import { TcpProxy } from '../e2e/fleet/tcp-proxy.js';
import { Cleanup } from './cleanup.js';
import { testDatabase } from './cluster.js';
import { PostgresFleet } from './postgres-fleet.js';

const cleanup = new Cleanup();
let database: Awaited<ReturnType<typeof testDatabase>>;

beforeAll(async () => {
  database = cleanup.use(await testDatabase());
});
afterAll(() => cleanup.run());

const soon = (milliseconds = 5_000) => AbortSignal.timeout(milliseconds);

/** A server that can fall silent: nothing passes any more, and no connection is ever closed from its side. */
async function silenceable() {
  const proxy = await TcpProxy.to(database.url);
  cleanup.defer(() => proxy.close());
  const url = new URL(database.url);
  url.port = new URL(proxy.url).port;
  return { proxy, url: url.href };
}

describe('a store that is closed after its server has fallen silent', () => {
  it('lets the process exit', async () => {
    const { proxy, url } = await silenceable();
    const replica = await cleanup.use(new PostgresFleet(url)).add();
    await replica.until('admitted');
    proxy.freeze();
    replica.terminate();
    await replica.exited;
    expect(replica.of('stopped')).toHaveLength(1);
  });

  it('waits for no connection that never came about', async () => {
    const { proxy, url } = await silenceable();
    proxy.freeze();
    const store = postgresLease({ connection: { connectionString: url, connectionTimeoutMillis: 0 } });
    await expect(store.open({ name: randomUUID() }).read(soon(200))).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    await expect(store.close!()).resolves.toBeUndefined();
  });

  it('cuts the connection that listens, and none of a pool of yours', async () => {
    const { proxy, url } = await silenceable();
    const made: Client[] = [];
    const pool = new Pool({
      connectionString: url,
      Client: class extends Client {
        constructor(options?: string) {
          super(options);
          made.push(this);
        }
      },
    });
    cleanup.defer(() => pool.end());
    const store = postgresLease({ pool });
    const watch = store.open({ name: randomUUID() }).watch!(soon(30_000))[Symbol.asyncIterator]();
    await watch.next();
    proxy.freezeEstablished();
    await store.close!();
    const cut = made.filter((client) => (client as unknown as { connection: Connection }).connection.stream.destroyed);
    expect(made).toHaveLength(pool.totalCount + 1);
    expect(cut).toHaveLength(1);
    expect(pool.ending).toBe(false);
  });
});

interface Connection {
  stream: { destroyed: boolean };
}
