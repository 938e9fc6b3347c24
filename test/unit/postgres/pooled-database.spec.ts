import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Notices } from '../../../lib/stores/postgres/notices.js';
import type { PgPool, PgPoolClient } from '../../../lib/stores/postgres/options.js';
import { PooledDatabase } from '../../../lib/stores/postgres/connection/pooled-database.js';

const statement = { sql: 'SELECT 1', params: [] };

class FakeClient extends EventEmitter {
  released: boolean | undefined;
  asked: string[] = [];
  /** As `pg` tells it. */
  status = 'I';
  constructor(private readonly answer: (client: FakeClient) => Promise<{ rows: Record<string, unknown>[] }>) {
    super();
  }
  query(sql: string) {
    this.asked.push(sql);
    return this.answer(this);
  }
  getTransactionStatus() {
    return this.status;
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
  const notices = new Notices();
  const warnings: string[] = [];
  notices.hear({ log() {}, warn: (text) => void warnings.push(text), error() {} });
  const database = new PooledDatabase(async () => pool as unknown as PgPool, notices);
  const run = async (signal = new AbortController().signal) => {
    const answer = database.run(statement, signal);
    answer.catch(() => {});
    await Promise.resolve();
    await Promise.resolve();
    return { answer };
  };
  return { pool, run, warnings };
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
    const client = new FakeClient(() => Promise.reject(Object.assign(new Error('no'), { code: '23514' })));
    pool.grant(client);
    await expect(answer).rejects.toMatchObject({ fate: 'refused', sqlState: '23514' });
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

describe('a connection that the application has spoilt', () => {
  const refused = (code: string) => Promise.reject(Object.assign(new Error('no'), { code }));

  it.each(['T', 'E'])(
    'in transaction status %s is not asked, but closed; another one is used, and it is told once',
    async (status) => {
      const { pool, run, warnings } = await setUp();
      for (const _ of [1, 2]) {
        const { answer } = await run();
        const spoilt = Object.assign(new FakeClient(one), { status });
        pool.grant(spoilt);
        await expect.poll(() => pool.asked.length).toBe(1);
        expect(spoilt).toMatchObject({ asked: [], released: true });
        pool.grant(new FakeClient(one));
        expect(await answer).toEqual([{ one: '1' }]);
      }
      expect(warnings).toEqual([expect.stringContaining('returned a connection to the pool inside a transaction')]);
    },
  );

  it('which the driver does not tell is known by the refusal', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    const spoilt = new FakeClient(() => refused('2D000'));
    pool.grant(spoilt);
    await expect.poll(() => pool.asked.length).toBe(1);
    expect(spoilt.released).toBe(true);
    pool.grant(new FakeClient(one));
    expect(await answer).toEqual([{ one: '1' }]);
  });

  it('by a BEGIN that was still on its way: nobody knows what becomes of the write', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    const client = new FakeClient(async (self) => {
      self.status = 'T';
      return one();
    });
    pool.grant(client);
    await expect(answer).rejects.toMatchObject({ fate: 'lost' });
    expect(client.released).toBe(true);
  });

  it('is given up after twenty: nothing was sent', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    for (let spoilt = 0; spoilt < 20; spoilt++) {
      await expect.poll(() => pool.asked.length).toBe(1);
      pool.grant(Object.assign(new FakeClient(one), { status: 'E' }));
    }
    await expect(answer).rejects.toMatchObject({
      fate: 'not-sent',
      cause: { message: expect.stringContaining('transaction') },
    });
    expect(pool.asked).toEqual([]);
  });

  it('by settings is replaced once; a refusal of the next counts', async () => {
    const { pool, run, warnings } = await setUp();
    const { answer } = await run();
    const altered = () =>
      new FakeClient((self) =>
        self.asked.length > 1 ? Promise.resolve({ rows: [{ altered: 'true' }] }) : refused('42501'),
      );
    pool.grant(altered());
    await expect.poll(() => pool.asked.length).toBe(1);
    pool.grant(altered());
    await expect(answer).rejects.toMatchObject({ fate: 'refused', sqlState: '42501' });
    expect(warnings).toEqual([expect.stringContaining('with a role, a timeout')]);
  });

  it('is none where nothing was set: a refusal is a refusal, and the connection is kept', async () => {
    const { pool, run } = await setUp();
    const { answer } = await run();
    const client = new FakeClient((self) =>
      self.asked.length > 1 ? Promise.resolve({ rows: [{ altered: 'false' }] }) : refused('42501'),
    );
    pool.grant(client);
    await expect(answer).rejects.toMatchObject({ fate: 'refused', sqlState: '42501' });
    expect(client.released).toBe(false);
  });
});
