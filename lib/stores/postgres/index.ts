/**
 * The lease as a row in Postgres, and a fence inside the transaction of a write.
 *
 * @module nestjs-leader/postgres
 */

export { fence, fenceStatement, type PostgresFenceOptions } from './fence.js';
export type {
  PgConnectionOptions,
  PgPool,
  PgPoolClient,
  PostgresClient,
  PostgresLeaseOptions,
  PostgresRow,
  PostgresRows,
} from './options.js';
export { claimTick } from './claim-tick.js';
export type { Statement } from './schema/statements.js';
export { postgresLease } from './postgres-lease.js';
export { postgresLeaseSql, type PostgresLeaseSqlOptions } from './schema/setup-sql.js';
