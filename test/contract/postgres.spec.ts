import { Pool } from 'pg';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { postgresLease } from '../../lib/stores/postgres/index.js';
import { describeStoreContract } from '../../lib/testing/store-contract/index.js';
import { testDatabase } from '../postgres/cluster.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url, max: 10 });
}, 60_000);

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

const byHand = (set: string) => async (lease: { name: string; namespace: string }, holder?: string | null) => {
  const params = [lease.namespace, lease.name, ...(holder === undefined ? [] : [holder])];
  await database.query(`${set} WHERE namespace = $1 AND name = $2`, params);
};

describeStoreContract(
  'Postgres',
  {
    connect: () => postgresLease({ pool }),
    unreachable: () => postgresLease({ connection: { host: '127.0.0.1', port: 1 } }),
    deleteLease: byHand('DELETE FROM leader_lease'),
    touchLease: byHand('UPDATE leader_lease SET name = name'),
    changeHolder: byHand('UPDATE leader_lease SET holder = $3'),
  },
  { describe, it },
);

describeStoreContract(
  'Postgres by an adapter, on the clock of the server',
  {
    connect: () =>
      postgresLease({ client: { query: (sql, params) => pool.query(sql, params) }, trustServerClock: true }),
    deleteLease: byHand('DELETE FROM leader_lease'),
    changeHolder: byHand('UPDATE leader_lease SET holder = $3'),
  },
  { describe, it },
);
