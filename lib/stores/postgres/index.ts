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
export { postgresLease } from './postgres-lease.js';
export { postgresLeaseSql, type PostgresLeaseSqlOptions } from './setup-sql.js';
