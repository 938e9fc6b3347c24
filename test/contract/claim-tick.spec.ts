import { Pool, type PoolClient } from 'pg';
import { claimTick, postgresLease, postgresLeaseSql } from 'nestjs-leader/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../postgres/cluster.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url, max: 4 });
  await pool.query(postgresLeaseSql());
}, 60_000);

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

async function inTransaction<T>(end: 'COMMIT' | 'ROLLBACK', work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query(end);
    return result;
  } finally {
    client.release();
  }
}

const tickOf = (name: string, instant: string) => ({ name, scheduledAt: new Date(instant) });

describe('claimTick', () => {
  it('is true until a transaction of the tick was committed, then false; other ticks and jobs are apart', async () => {
    const tick = tickOf('invoices', '2030-01-01T06:00:00Z');
    expect(await inTransaction('ROLLBACK', (client) => claimTick(client, tick))).toBe(true);
    expect(await inTransaction('COMMIT', (client) => claimTick(client, tick))).toBe(true);
    expect(await inTransaction('COMMIT', (client) => claimTick(client, tick))).toBe(false);
    expect(
      await inTransaction('COMMIT', (client) => claimTick(client, tickOf('reports', '2030-01-01T06:00:00Z'))),
    ).toBe(true);
    expect(
      await inTransaction('COMMIT', (client) => claimTick(client, tickOf('invoices', '2030-01-01T07:00:00Z'))),
    ).toBe(true);
  });

  it('waits for a transaction of the same tick, and then knows what became of it', async () => {
    const tick = tickOf('twice', '2030-01-01T06:00:00Z');
    const other = await pool.connect();
    await other.query('BEGIN');
    expect(await claimTick(other, tick)).toBe(true);
    const second = inTransaction('COMMIT', (client) => claimTick(client, tick));
    await other.query('COMMIT');
    other.release();
    expect(await second).toBe(false);
  });

  it('leaves the lock timeout of the transaction as it was, and deletes rows that nobody needs', async () => {
    const timeout = await inTransaction('COMMIT', async (client) => {
      await client.query(`SET LOCAL lock_timeout = '7s'`);
      await claimTick(client, tickOf('old', '2030-01-01T06:00:00Z'));
      return (await client.query(`SHOW lock_timeout`)).rows;
    });
    expect(timeout).toEqual([{ lock_timeout: '7s' }]);
    await inTransaction('COMMIT', (client) => claimTick(client, tickOf('old', '2031-01-01T06:00:00Z')));
    expect((await pool.query(`SELECT 1 FROM leader_lease_tick WHERE job = 'old'`)).rowCount).toBe(1);
  });

  it('refuses outside of a transaction, where it would prove nothing', async () => {
    await expect(claimTick(pool, tickOf('loose', '2030-01-01T06:00:00Z'))).rejects.toThrow(/outside of a transaction/);
  });
});

describe('a table from before there was a ledger', () => {
  const before = async (schema: string) => {
    await pool.query(postgresLeaseSql({ schema }));
    const { rows } = await pool.query<{ old: string }>(
      `SELECT pg_get_functiondef('${schema}.leader_lease_state(${schema}.leader_lease)'::regprocedure) AS old`,
    );
    await pool.query(rows[0]!.old.replace("'ledger', l.ledger,", ''));
    await pool.query(`ALTER TABLE ${schema}.leader_lease DROP COLUMN ledger; DROP TABLE ${schema}.leader_lease_tick;
      COMMENT ON FUNCTION ${schema}.leader_lease_state(${schema}.leader_lease) IS 'nestjs-leader 2'`);
  };
  const signal = AbortSignal.timeout(20_000);
  const record = { holder: 'a', duration: 1000, acquiredAt: 1, renewedAt: 1, transitions: 0, term: 't', writeId: 'w' };

  it('is brought up to date by the first replica that may', async () => {
    await before('mine');
    const handle = postgresLease({ pool, schema: 'mine' }).open({ name: 'orders' });
    const outcome = await handle.replace(await handle.read(signal), { ...record, ledger: '{"v":1,"jobs":{}}' }, signal);
    expect(outcome).toMatchObject({
      kind: 'applied',
      snapshot: { lease: { record: { ledger: '{"v":1,"jobs":{}}' } } },
    });
  });

  it('goes on as it is where this replica may not, and keeps no ledger', async () => {
    await before('theirs');
    const handle = postgresLease({ pool, schema: 'theirs', createTable: false }).open({ name: 'orders' });
    const outcome = await handle.replace(await handle.read(signal), { ...record, ledger: '{"v":1,"jobs":{}}' }, signal);
    expect(outcome).toMatchObject({ kind: 'applied' });
    expect((await handle.read(signal)).lease!.record.ledger).toBeUndefined();
  });
});
