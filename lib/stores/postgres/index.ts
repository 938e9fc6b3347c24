export { postgresLease } from './postgres-lease.js';
export { postgresLeaseSql, type PostgresLeaseSqlOptions } from './setup-sql.js';
export type {
  PgConnectionOptions,
  PgPool,
  PgPoolClient,
  PostgresClient,
  PostgresLeaseOptions,
  PostgresRow,
  PostgresRows,
} from './options.js';
