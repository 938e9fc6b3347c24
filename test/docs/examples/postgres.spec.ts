import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { LeaderElectionModule } from 'nestjs-leader';
import { postgresLease } from 'nestjs-leader/postgres';
import { Pool } from 'pg';

LeaderElectionModule.forRoot({ leaseName: 'orders-worker', store: postgresLease({ pool: new Pool() }) });

import { postgresLeaseSql } from 'nestjs-leader/postgres';
import { fence } from 'nestjs-leader/postgres';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fenceStatement } from '../../../lib/stores/postgres/fence.js';
import type { LeaseStore } from '../../../lib/election/index.js';
import { testDatabase } from '../../postgres/cluster.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
let dataSource: DataSource;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url, max: 4 });
  dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
}, 60_000);

afterAll(async () => {
  await dataSource.destroy();
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** A prisma client as far as the example goes; test/postgres runs the real one. */
const prisma = {
  $queryRawUnsafe: async (text: string, ...params: (string | null)[]) =>
    (await pool.query(text, params)).rows as Record<string, unknown>[],
};

async function works(store: LeaseStore): Promise<void> {
  onTestFinished(() => store.close?.());
  const snapshot = await store.open({ name: 'docs' }).read(AbortSignal.timeout(10_000));
  expect(snapshot.lease).toBeNull();
}

describe('the examples about Postgres', () => {
  it('adapt other clients', async () => {
    const db = drizzle(pool);
    // TypeORM
    const onTypeorm = postgresLease({ client: { query: (sql, params) => dataSource.query(sql, params) } });

    // Prisma
    const onPrisma = postgresLease({ client: { query: (sql, params) => prisma.$queryRawUnsafe(sql, ...params) } });

    // Drizzle: cut the text at its placeholders, put the values in between
    const withValues = (text: string, params: (string | null)[]) =>
      sql.join(text.split(/\$(\d+)/).map((part, i) => (i % 2 ? sql`${params[Number(part) - 1]}` : sql.raw(part))));
    const onDrizzle = postgresLease({
      client: { query: async (text, params) => (await db.execute(withValues(text, params))).rows },
    });
    for (const store of [onTypeorm, onPrisma, onDrizzle]) await works(store);
  });

  it('create what is needed in a migration', async () => {
    await pool.query('CREATE ROLE app');
    const queryRunner = dataSource;
    await queryRunner.query(postgresLeaseSql({ schema: 'ops', table: 'leader_lease', grantTo: 'app' }));
    await works(postgresLease({ pool, schema: 'ops', createTable: false }));
  });

  it('fence in the same database', async () => {
    await pool.query(postgresLeaseSql());
    await pool.query('CREATE TABLE ledger (total int); INSERT INTO ledger VALUES (0)');
    const write = async (term: { fencingToken: bigint }) => {
      await dataSource.transaction(async (tx) => {
        await fence({ query: (sql, params) => tx.query(sql, params) }, term, 'ledger');
        await tx.query('UPDATE ledger SET total = total + 1');
      });
    };
    await write({ fencingToken: 34n });
    await expect(write({ fencingToken: 33n })).rejects.toMatchObject({ code: 'FENCED' });
    expect((await pool.query('SELECT total FROM ledger')).rows).toEqual([{ total: 1 }]);
  });

  it('show who leads', async () => {
    const { fields } = await pool.query(`
      SELECT name, holder, renewed_at, written_at FROM leader_lease WHERE NOT deleted;
    `);
    expect(fields.map(({ name }) => name)).toEqual(['name', 'holder', 'renewed_at', 'written_at']);
  });

  it('show the statement of the fence', async () => {
    const statement = `
      INSERT INTO leader_lease_fence AS mark (resource, token) VALUES ($1, $2::bigint)
      ON CONFLICT (resource) DO UPDATE SET token = EXCLUDED.token WHERE mark.token <= EXCLUDED.token
      RETURNING mark.token::text AS token; -- no row: a later term has been here
    `;
    const rows = async (token: string) => (await pool.query(statement, ['shown', token])).rows;
    expect(await rows('34')).toEqual([{ token: '34' }]);
    expect(await rows('33')).toEqual([]);
    expect(fenceStatement({ fencingToken: 34n }, 'shown').sql).toContain('WHERE mark.token <= EXCLUDED.token');
  });
});
