import { LeaderElectionConfigError } from '../../election/errors.js';
import type { LeaseHandle, LeaseStore } from '../../election/lease-store.js';
import { AdaptedDatabase, type Database } from './database.js';
import { PostgresHandle } from './lease-handle.js';
import { postgresNames } from './names.js';
import type { PgPool, PostgresLeaseOptions } from './options.js';
import { ownPool, type OwnPool } from './own-pool.js';
import { PooledDatabase } from './pooled-database.js';
import { PreparedDatabase } from './prepared-database.js';
import { postgresLeaseSql } from './setup-sql.js';
import { Statements } from './statements.js';

class PostgresLeaseStore implements LeaseStore {
  readonly name = 'postgres';
  private readonly statements: Statements;
  private readonly database: Database;
  private readonly own: OwnPool | undefined;

  constructor(private readonly options: PostgresLeaseOptions) {
    const { pool, connection, client, createTable = true } = options;
    const ways = [pool, connection, client].filter((way) => way !== undefined);
    if (ways.length !== 1) {
      throw new LeaderElectionConfigError(
        `postgresLease: ${ways.length === 0 ? 'none' : 'more than one'} of pool, connection and client is given.`,
        'Give exactly one: your pg.Pool, options to connect with, or an adapter { query(sql, params) }.',
      );
    }
    this.statements = new Statements(postgresNames(options));
    this.own = connection === undefined ? undefined : ownPool(connection);
    const database = client ? new AdaptedDatabase(client) : new PooledDatabase(this.own?.get ?? usersPool(pool!));
    this.database = createTable
      ? new PreparedDatabase(database, { sql: postgresLeaseSql(options), params: [] })
      : database;
  }

  open({ name, namespace = 'default' }: { name: string; namespace?: string }): LeaseHandle {
    const { trustServerClock = false } = this.options;
    return new PostgresHandle({ namespace, name }, this.database, this.statements, { trustServerClock });
  }

  async close(): Promise<void> {
    await this.own?.end();
  }
}

/**
 * Keeps leases in Postgres 13 or later, one row each.
 * @throws LeaderElectionConfigError when not exactly one way to the database is given, or a name cannot be an identifier
 */
export function postgresLease(options: PostgresLeaseOptions): LeaseStore {
  return new PostgresLeaseStore(options);
}

const heard = new WeakSet<PgPool>();

function usersPool(pool: PgPool): () => Promise<PgPool> {
  // A server that restarts ends idle connections, and an 'error' of the pool that nobody hears ends the process.
  if (!heard.has(pool)) {
    heard.add(pool);
    pool.on('error', () => {});
  }
  return () => Promise.resolve(pool);
}
