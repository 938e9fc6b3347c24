/**
 * How the store reaches Postgres: exactly one of `pool`, `connection` and `client`. Types are structural, so that neither `pg` nor
 * its types need be there for those who use another driver.
 */
export interface PostgresLeaseOptions {
  /** Your own `pg.Pool`. It is never ended, and `pg` is not imported. */
  pool?: PgPool;
  /** Options of `pg.Pool`, or a connection string: the store imports `pg`, keeps a small pool of its own and ends it in `close()`. */
  connection?: string | PgConnectionOptions;
  /** Any other driver or ORM, see {@link PostgresClient}. There is no watch then: standbys poll. */
  client?: PostgresClient;
  /** Default `public`. Quoted, so case counts. */
  schema?: string;
  /** Default `leader_lease`; the sequence, functions and fence table beside it begin with the same name. */
  table?: string;
  /**
   * Whether standbys wait on `LISTEN`, on a connection of their own. Default true; `false` behind a pooler in transaction mode,
   * where it cannot work (noticed by itself, but only after an attempt).
   */
  listen?: boolean;
  /** Whether the first use creates what is missing. Default true; else run {@link postgresLeaseSql} as a role that may. */
  createTable?: boolean;
  /**
   * A further role that may own table and functions. Those of this role, of roles it is a member of, of superusers and of whoever owns the
   * database or the schema are used as they are; what anybody else has put there is refused, since it runs with this role's rights.
   */
  owner?: string;
  /**
   * Lets a fresh standby count expiry from the server's `written_at` instead of from when it first looked. Default false: the clock of a
   * database server may be stepped, and a step forward makes a live lease look expired.
   */
  trustServerClock?: boolean;
}

/** The smallest adapter: runs one parameterised statement (`$1`, `$2`), every parameter a string or null, and gives its rows. */
export interface PostgresClient {
  /** Rejects with the driver's error; its SQLSTATE is found however deep it is wrapped. */
  query(sql: string, params: (string | null)[]): Promise<PostgresRows>;
}

/** Columns by name. */
export type PostgresRow = Record<string, unknown>;
/** Rows as an array, or under `rows`. */
export type PostgresRows = readonly PostgresRow[] | { readonly rows: readonly PostgresRow[] };

/** What the store uses of a `pg.Pool`. */
export interface PgPool {
  connect(callback: (error: Error | undefined, client: PgPoolClient | undefined) => void): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  end(): Promise<void>;
  readonly options?: object;
}

export interface PgClient {
  query(sql: string, params?: (string | null)[]): Promise<{ rows: PostgresRow[] }>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  removeListener(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** What the store uses of a `pg.PoolClient`. */
export interface PgPoolClient extends PgClient {
  release(destroy?: boolean): void;
}

/** A connection outside any pool. */
export interface PgLooseClient extends PgClient {
  readonly processID?: number | null;
  connect(): Promise<unknown>;
  end(): Promise<void>;
}

/** What `pg.Pool` takes; the most frequent ones are spelled out. */
export interface PgConnectionOptions {
  connectionString?: string;
  host?: string;
  port?: number;
  user?: string;
  /** A function is asked for each connection: rotating secrets. */
  password?: string | (() => string | Promise<string>);
  database?: string;
  ssl?: boolean | object;
  [option: string]: unknown;
}
