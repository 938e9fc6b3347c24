import { Client, Pool } from 'pg';
import {
  MemoryFencingTokenStore,
  sqlFencingTokenTable,
  SqlFencingTokenStore,
  type FencingTokenStore,
} from 'nestjs-leader/fencing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../postgres/cluster.js';

function describeFencingTokenStore(name: string, connect: () => FencingTokenStore) {
  describe(`${name}, as a fencing token store`, () => {
    it('accepts the tokens of a term and of later ones, and refuses those of earlier ones', async () => {
      const store = connect();
      expect(await store.accept('orders', 5n)).toBe(true);
      expect(await store.accept('orders', 5n)).toBe(true);
      expect(await store.accept('orders', 7n)).toBe(true);
      expect(await store.accept('orders', 6n)).toBe(false);
      expect(await store.accept('orders', 7n)).toBe(true);
    });

    it('keeps resources apart', async () => {
      const store = connect();
      expect(await store.accept('a', 2n)).toBe(true);
      expect(await store.accept('b', 1n)).toBe(true);
      expect(await store.accept('a', 1n)).toBe(false);
    });

    it('tells tokens apart that no floating-point number can', async () => {
      const store = connect();
      const token = 2n ** 63n - 1n;
      expect(await store.accept('large', token)).toBe(true);
      expect(await store.accept('large', token - 1n)).toBe(false);
    });

    it('lets no older token in once a newer one was accepted, however many come at once', async () => {
      const store = connect();
      const tokens = Array.from({ length: 40 }, (_, index) => BigInt(((index * 17) % 40) + 1));
      await Promise.all(tokens.map((token) => store.accept('crowded', token)));
      expect(await store.accept('crowded', 39n)).toBe(false);
      expect(await store.accept('crowded', 40n)).toBe(true);
    });
  });
}

describeFencingTokenStore('Memory', () => new MemoryFencingTokenStore());

describe('Postgres', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let pool: Pool;
  let tables = 0;

  beforeAll(async () => {
    database = await testDatabase();
    pool = new Pool({ connectionString: database.url, max: 10 });
  }, 60_000);
  beforeAll(async () => {
    for (let table = 0; table < 15; table++) await pool.query(sqlFencingTokenTable(`fencing_${table}`));
  });
  afterAll(async () => {
    await pool.end();
    await database[Symbol.asyncDispose]();
  });

  describeFencingTokenStore('SQL', () => new SqlFencingTokenStore({ client: pool, table: `fencing_${tables++}` }));

  it('remembers across restarts of the receiver', async () => {
    const table = `fencing_${tables++}`;
    expect(await new SqlFencingTokenStore({ client: pool, table }).accept('orders', 9n)).toBe(true);
    expect(await new SqlFencingTokenStore({ client: pool, table }).accept('orders', 8n)).toBe(false);
  });

  describe('where the application has left a transaction open', () => {
    it('on a connection of its pool: uses another one, so that a rollback takes no mark back', async () => {
      const table = `fencing_${tables++}`;
      const small = new Pool({ connectionString: database.url, max: 1 });
      const store = new SqlFencingTokenStore({ client: small, table });
      for (const left of ['BEGIN', 'BEGIN; SELECT 1', 'BEGIN; SELECT 1/0']) {
        const client = await small.connect();
        await client.query(left).catch(() => {});
        client.release();
        expect(await store.accept(left, 9n)).toBe(true);
        await small.query('ROLLBACK');
        expect(await store.accept(left, 3n)).toBe(false);
      }
      await small.end();
    });

    it('on the only connection there is: refuses, and says what to do', async () => {
      const table = `fencing_${tables++}`;
      const client = new Client({ connectionString: database.url });
      await client.connect();
      const store = new SqlFencingTokenStore({ client, table });
      await client.query('BEGIN');
      await expect(store.accept('orders', 9n)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        advice: expect.stringContaining('insideTransaction'),
      });
      await client.query('ROLLBACK');
      expect(await store.accept('orders', 3n)).toBe(true);
      await client.end();
    });

    it('on purpose: marks with it', async () => {
      const table = `fencing_${tables++}`;
      const client = new Client({ connectionString: database.url });
      await client.connect();
      const store = new SqlFencingTokenStore({ client, table, insideTransaction: true });
      await client.query('BEGIN');
      expect(await store.accept('orders', 9n)).toBe(true);
      await client.query('COMMIT');
      expect(await store.accept('orders', 8n)).toBe(false);
      await client.end();
    });
  });

  it('takes no table name that is more than a name', () => {
    expect(() => new SqlFencingTokenStore({ client: pool, table: 'x; DROP TABLE y' })).toThrow('not a table name');
  });
});
