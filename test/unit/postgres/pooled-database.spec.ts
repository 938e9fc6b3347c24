import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { PgPool, PgPoolClient } from '../../../lib/stores/postgres/options.js';
import { PooledDatabase } from '../../../lib/stores/postgres/pooled-database.js';

const statement = { sql: 'SELECT 1', params: [] };

class FakeClient extends EventEmitter {
  released: boolean | undefined;
  constructor(private readonly answer: (client: FakeClient) => Promise<{ rows: Record<string, unknown>[] }>) {
    super();
  }
  query() {
    return this.answer(this);
  }
  release(destroy = false) {
    this.released = destroy;
  }
}

/** A pool that grants a connection when told. */
class FakePool {
  readonly asked: ((error: Error | undefined, client: PgPoolClient | undefined) => void)[] = [];
  connect(callback: (error: Error | undefined, client: PgPoolClient | undefined) => void) {
    this.asked.push(callback);
  }
  on() {}
  async end() {}
  grant(client: FakeClient) {
    this.asked.shift()!(undefined, client as unknown as PgPoolClient);
  }
}

async function setUp() {
  const pool = new FakePool();
  const database = new PooledDatabase(async () => pool as unknown as PgPool);
  const run = async (signal = new AbortController().signal) => {
    const answer = database.run(statement, signal);
    answer.catch(() => {});
    await Promise.resolve();
    await Promise.resolve();
    return { answer };
  };
  return { pool, run };
}

const one = async () => ({ rows: [{ one: '1' }] });

describe('a statement on a pool', () => {
  it('gives its rows, and the connection back', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    const client = new FakeClient(one);
    pool.grant(client);
    expect(await answer).toEqual([{ one: '1' }]);
    expect(client.released).toBe(false);
    expect(client.eventNames()).toEqual([]);
  });

  it('given up while it waits for a connection was certainly not sent, and its place serves the next', async () => {
    const { pool, run } = await setUp();
    const controller = new AbortController();
    const first = await run(controller.signal);
    controller.abort();
    await expect(first.answer).rejects.toMatchObject({ fate: 'not-sent' });
    const second = await run();
    pool.grant(new FakeClient(one));
    expect(await second.answer).toEqual([{ one: '1' }]);
    const surplus = new FakeClient(one);
    pool.grant(surplus);
    expect(surplus.released).toBe(false);
  });

  it('given up while it runs may have happened, and the connection is not used again', async () => {
    const { pool, run } = await setUp();
    const controller = new AbortController();
    const { answer } = await run(controller.signal);
    const client = new FakeClient(() => new Promise(() => {}));
    pool.grant(client);
    await new Promise(setImmediate);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ fate: 'lost', cause: { code: 'STORE_TIMEOUT' } });
    await expect.poll(() => client.released).toBe(true);
    // What the dying connection has to say yet must find a listener, or it ends the process.
    expect(client.emit('error', new Error('late'))).toBe(true);
  });

  it('given up shortly before its answer costs no connection', async () => {
    const { pool, run } = await setUp();
    const controller = new AbortController();
    const { answer } = await run(controller.signal);
    let settle: (answer: { rows: Record<string, unknown>[] }) => void = () => {};
    const client = new FakeClient(() => new Promise((resolve) => (settle = resolve)));
    pool.grant(client);
    await new Promise(setImmediate);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ fate: 'lost' });
    expect(client.released).toBeUndefined();
    settle({ rows: [] });
    await expect.poll(() => client.released).toBe(false);
  });

  it('refused by the server leaves the connection as good as it was', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    const client = new FakeClient(() => Promise.reject(Object.assign(new Error('no'), { code: '42501' })));
    pool.grant(client);
    await expect(answer).rejects.toMatchObject({ fate: 'refused', sqlState: '42501' });
    expect(client.released).toBe(false);
  });

  it('of which the synchronous standby knows nothing is not reported as written', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    pool.grant(
      new FakeClient(async (client) => {
        client.emit('notice', { severity: 'WARNING', routine: 'SyncRepWaitForLSN' });
        return one();
      }),
    );
    await expect(answer).rejects.toMatchObject({ fate: 'lost' });
  });

  it('survives a connection that is greeted and ended in one breath', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    const client = new FakeClient(() => Promise.reject(new Error('not queryable')));
    pool.grant(client);
    expect(client.emit('error', new Error('terminating'))).toBe(true);
    await expect(answer).rejects.toMatchObject({ fate: 'lost' });
  });
});
