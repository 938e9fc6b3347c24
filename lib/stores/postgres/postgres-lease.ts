import { checkKeys } from '../../election/arguments.js';
import { LeaderElectionConfigError } from '../../election/errors.js';
import type { LeaseHandle, LeaseStore, Snapshot } from '../../election/lease-store.js';
import type { ElectionLog } from '../../election/report/election-log.js';
import { channelOf } from './schema/channel.js';
import { AdaptedDatabase } from './connection/database.js';
import { PostgresHandle } from './lease-handle.js';
import { LeaseDatabase } from './connection/lease-database.js';
import { PooledConnectionError } from './connection/listen-connection.js';
import { clientBeside } from './connection/listening.js';
import { checkLeaseName, postgresNames, roleIdentifier, type PostgresNames } from './schema/names.js';
import { Notices } from './notices.js';
import { Notifications } from './connection/notifications.js';
import type { PgPool, PostgresLeaseOptions } from './options.js';
import { OwnConnections } from './connection/own-connections.js';
import { ownPool, type OwnPool } from './connection/own-pool.js';
import { PooledDatabase } from './connection/pooled-database.js';
import { ownSetupSql } from './schema/setup-sql.js';
import type { LeaseKey } from './schema/statements.js';
import { watchLease } from './lease-watch.js';

class PostgresLeaseStore implements LeaseStore {
  readonly name = 'postgres';
  readonly names: PostgresNames;
  readonly database: LeaseDatabase;
  readonly notices = new Notices();
  private readonly own: OwnPool | undefined;
  private readonly connections = new OwnConnections();
  private readonly notifications: Notifications | undefined;

  constructor(private readonly options: PostgresLeaseOptions) {
    const { pool, connection, client, owner, createTable = true, listen = true } = options;
    const ways = [pool, connection, client].filter((way) => way !== undefined);
    if (ways.length !== 1) {
      throw new LeaderElectionConfigError(
        `postgresLease: ${ways.length === 0 ? 'none' : 'more than one'} of pool, connection and client is given.`,
        'Give exactly one: your pg.Pool, options to connect with, or an adapter { query(sql, params) }.',
      );
    }
    this.names = postgresNames(options);
    if (owner !== undefined) {
      // Only to check it: the role is compared, and stands in no statement as an identifier.
      roleIdentifier(owner);
    }
    this.own = connection === undefined ? undefined : ownPool(connection, this.connections);
    const poolOf = this.own?.get ?? (pool && usersPool(pool));
    const database = poolOf ? new PooledDatabase(poolOf, this.notices) : new AdaptedDatabase(client!);
    const setup = createTable ? { sql: ownSetupSql(options), params: [] } : undefined;
    this.database = new LeaseDatabase(database, this.names, { setup, owner }, this.notices);
    const beside = poolOf && (async () => this.connections.adopt(await clientBeside(await poolOf())));
    this.notifications = beside && listen ? new Notifications(beside) : undefined;
  }

  open({ name, namespace = 'default' }: { name: string; namespace?: string }, log?: ElectionLog): LeaseHandle {
    const { trustServerClock = false } = this.options;
    checkLeaseName('namespace', namespace);
    checkLeaseName('lease name', name);
    this.notices.hear(log);
    const key = { namespace, name };
    const watch = this.notifications && this.watcher(key, this.notifications, log);
    return new PostgresHandle(key, this, { trustServerClock }, watch);
  }

  async close(): Promise<void> {
    this.notifications?.close();
    await this.connections.ended(this.own?.end());
  }

  private watcher(key: LeaseKey, notifications: Notifications, log?: ElectionLog) {
    const handle = new PostgresHandle(key, this, { trustServerClock: false });
    const channel = channelOf(this.names, key);
    let pooled = false;
    return async function* watch(signal: AbortSignal): AsyncGenerator<Snapshot, void, undefined> {
      if (pooled) return;

      try {
        yield* watchLease(channel, notifications, (until) => handle.read(until), signal);
      } catch (cause) {
        if (!(cause instanceof PooledConnectionError)) throw cause;

        pooled = true;
        log?.warn(`${cause.message} Standbys poll instead. ${cause.advice}`);
      }
    };
  }
}

const OPTIONS = Object.keys({
  pool: true,
  connection: true,
  client: true,
  schema: true,
  table: true,
  listen: true,
  createTable: true,
  owner: true,
  trustServerClock: true,
} satisfies Record<keyof PostgresLeaseOptions, true>);

/**
 * Keeps leases in Postgres 13 or later, one row each.
 * @throws LeaderElectionConfigError when not exactly one way to the database is given, or a name cannot be an identifier
 */
export function postgresLease(options: PostgresLeaseOptions): LeaseStore {
  checkKeys('postgresLease', options ?? {}, OPTIONS);
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
