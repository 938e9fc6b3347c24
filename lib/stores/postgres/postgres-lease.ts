import { LeaderElectionConfigError } from '../../election/errors.js';
import type { LeaseHandle, LeaseStore, Snapshot } from '../../election/lease-store.js';
import type { ElectionLog } from '../../election/log.js';
import { channelOf } from './channel.js';
import { AdaptedDatabase, type Database } from './database.js';
import { PostgresHandle } from './lease-handle.js';
import { PooledConnectionError } from './listen-connection.js';
import { clientBeside } from './listening.js';
import { postgresNames, type PostgresNames } from './names.js';
import { Notifications } from './notifications.js';
import type { PgPool, PostgresLeaseOptions } from './options.js';
import { OwnConnections } from './own-connections.js';
import { ownPool, type OwnPool } from './own-pool.js';
import { PooledDatabase } from './pooled-database.js';
import { PreparedDatabase } from './prepared-database.js';
import { postgresLeaseSql } from './setup-sql.js';
import { Statements, type LeaseKey } from './statements.js';
import { watchLease } from './watch.js';

class PostgresLeaseStore implements LeaseStore {
  readonly name = 'postgres';
  private readonly names: PostgresNames;
  private readonly statements: Statements;
  private readonly database: Database;
  private readonly own: OwnPool | undefined;
  private readonly connections = new OwnConnections();
  private readonly notifications: Notifications | undefined;

  constructor(private readonly options: PostgresLeaseOptions) {
    const { pool, connection, client, createTable = true, listen = true } = options;
    const ways = [pool, connection, client].filter((way) => way !== undefined);
    if (ways.length !== 1) {
      throw new LeaderElectionConfigError(
        `postgresLease: ${ways.length === 0 ? 'none' : 'more than one'} of pool, connection and client is given.`,
        'Give exactly one: your pg.Pool, options to connect with, or an adapter { query(sql, params) }.',
      );
    }
    this.names = postgresNames(options);
    this.statements = new Statements(this.names);
    this.own = connection === undefined ? undefined : ownPool(connection, this.connections);
    const poolOf = this.own?.get ?? (pool && usersPool(pool));
    const database = poolOf ? new PooledDatabase(poolOf) : new AdaptedDatabase(client!);
    this.database = createTable
      ? new PreparedDatabase(database, { sql: postgresLeaseSql(options), params: [] })
      : database;
    const beside = poolOf && (async () => this.connections.adopt(await clientBeside(await poolOf())));
    this.notifications = beside && listen ? new Notifications(beside) : undefined;
  }

  open({ name, namespace = 'default' }: { name: string; namespace?: string }, log?: ElectionLog): LeaseHandle {
    const { trustServerClock = false } = this.options;
    const key = { namespace, name };
    const watch = this.notifications && this.watcher(key, this.notifications, log);
    return new PostgresHandle(key, this.database, this.statements, { trustServerClock }, watch);
  }

  async close(): Promise<void> {
    this.notifications?.close();
    await this.connections.ended(this.own?.end());
  }

  private watcher(key: LeaseKey, notifications: Notifications, log?: ElectionLog) {
    const { database, statements } = this;
    const handle = new PostgresHandle(key, database, statements, { trustServerClock: false });
    const channel = channelOf(this.names, key);
    let pooled = false;
    return async function* watch(signal: AbortSignal): AsyncGenerator<Snapshot, void, undefined> {
      if (pooled) {
        return;
      }
      try {
        yield* watchLease(channel, notifications, (until) => handle.read(until), signal);
      } catch (cause) {
        if (!(cause instanceof PooledConnectionError)) {
          throw cause;
        }
        pooled = true;
        log?.warn(`${cause.message} Standbys poll instead. ${cause.advice}`);
      }
    };
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
