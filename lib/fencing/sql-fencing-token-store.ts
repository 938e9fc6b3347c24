import { LeaderElectionConfigError, LeaderElectionError } from '../election/index.js';
import { checkToken, resourceName } from './checks.js';
import type { FencingTokenStore } from './fencing-token-store.js';

/** The smallest adapter to a database: runs one statement and gives its rows. A `pg.Pool` is one. */
export interface SqlClient {
  /** Rows as an array, or under `rows`. */
  query(sql: string, params: string[]): Promise<SqlRows>;
}

/** Rows as drivers answer with them: bare, or under `rows`. */
export type SqlRows = readonly unknown[] | { readonly rows: readonly unknown[] };

/** Of a {@link SqlFencingTokenStore}. */
export interface SqlFencingTokenStoreOptions {
  /** A `pg.Pool`, or an adapter to whatever else runs SQL. */
  client: SqlClient;
  /** Default `fencing_token`. Of {@link sqlFencingTokenTable}. */
  table?: string;
  /** How parameters are written: `$1` (Postgres, the default) or `?` (SQLite). */
  placeholders?: '$' | '?';
  /**
   * The client is in a transaction of yours, and what is accepted counts only once you have committed it. Default false: then a mark that
   * somebody's ROLLBACK would take back is refused on Postgres. SQLite cannot tell: there, give a connection without a transaction.
   */
  insideTransaction?: boolean;
}

/** What the store uses of a `pg.Pool` beyond `query`. */
interface Pool extends SqlClient {
  readonly totalCount: number;
  connect(): Promise<PoolClient>;
}

interface PoolClient extends SqlClient {
  release(destroy?: boolean): void;
  /** Of recent versions of `pg`: what the server said last of the transaction that the connection is in. */
  getTransactionStatus?(): string | null;
}

/** So many connections that the application has returned inside a transaction are thrown away for one answer. */
const MOST_SPOILT = 20;

/** Survives restarts, and serves several receivers that share a database: Postgres 10, SQLite 3.35 and later. */
export class SqlFencingTokenStore implements FencingTokenStore {
  private readonly client: SqlClient;
  private readonly statement: string;
  private readonly mustCommit: boolean;
  private warned = false;

  constructor({
    client,
    table = 'fencing_token',
    placeholders = '$',
    insideTransaction = false,
  }: SqlFencingTokenStoreOptions) {
    this.client = client;
    this.mustCommit = placeholders === '$' && !insideTransaction;
    const [resource, token] = placeholders === '$' ? ['$1', '$2'] : ['?', '?'];
    const returned = this.mustCommit ? 'pg_catalog.txid_current()::pg_catalog.text AS txid' : 'resource';
    // The condition stands in the write itself: between a read and a write a later term could pass.
    this.statement = `INSERT INTO ${identifier(table)} AS mark (resource, token) VALUES (${resource}, CAST(${token} AS bigint))
ON CONFLICT (resource) DO UPDATE SET token = excluded.token WHERE mark.token <= excluded.token
RETURNING ${returned}`;
  }

  /** @throws LeaderElectionError on Postgres, when the mark was left inside a transaction, which may yet be rolled back */
  async accept(resource: string, token: bigint): Promise<boolean> {
    checkToken(token);
    const params = [resourceName(resource), token.toString()];
    return this.mustCommit && isPool(this.client)
      ? this.onPool(this.client, params)
      : this.marked(this.client, params, this.mustCommit);
  }

  private async onPool(pool: Pool, params: string[]): Promise<boolean> {
    for (let spoilt = 0; spoilt < MOST_SPOILT; spoilt++) {
      const client = await pool.connect();
      let keep = false;
      try {
        if (!isInside(client)) {
          const accepted = await this.marked(client, params, client.getTransactionStatus?.() == null);
          if (isInside(client)) throw notCommitted();

          keep = true;
          return accepted;
        }
      } catch (error) {
        // A failure of the application reaches it before the driver knows of the transaction that it leaves behind.
        if (!isRefusedInside(error)) throw error;
      } finally {
        client.release(!keep);
      }
      this.warn();
    }
    throw notCommitted();
  }

  private async marked(client: SqlClient, params: string[], mustAsk: boolean): Promise<boolean> {
    const [row] = rowsOf(await client.query(this.statement, params));
    if (row === undefined) return false;

    if (mustAsk) await this.confirmed(client, (row as { txid?: unknown }).txid);

    return true;
  }

  /** A transaction that is over shows so on any connection; one that somebody has left open shows that, too. */
  private async confirmed(client: SqlClient, transaction: unknown): Promise<void> {
    const sql = 'SELECT pg_catalog.txid_status($1::pg_catalog.int8)::pg_catalog.text AS status';
    const [row] = rowsOf(await client.query(sql, [String(transaction)]));
    if ((row as { status?: unknown } | undefined)?.status !== 'committed') throw notCommitted();
  }

  private warn(): void {
    if (!this.warned) {
      this.warned = true;
      process.emitWarning(`${INSIDE} It was closed, and another one is used. ${ADVICE}`, 'LeaderElectionWarning');
    }
  }
}

const INSIDE = 'SqlFencingTokenStore: the application returned a connection to the pool inside a transaction.';
const ADVICE =
  'Find the code that gives a connection back without COMMIT or ROLLBACK. Where the transaction is yours and meant, give insideTransaction: true, or use fence() of nestjs-leader/postgres.';

function notCommitted(): LeaderElectionError {
  return new LeaderElectionError(
    'STORE_FAILED',
    'SqlFencingTokenStore: the mark stands inside a transaction that is not committed: a ROLLBACK would let an older token in.',
    ADVICE,
  );
}

function isPool(client: SqlClient): client is Pool {
  const pool = client as Partial<Pool>;
  return typeof pool.totalCount === 'number' && typeof pool.connect === 'function';
}

/** `in_failed_sql_transaction`: the server took nothing, whatever the connection's own account of itself was. */
function isRefusedInside(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '25P02';
}

function isInside(client: PoolClient): boolean {
  const status = client.getTransactionStatus?.();
  return status === 'T' || status === 'E';
}

function rowsOf(answer: SqlRows): readonly unknown[] {
  return 'rows' in answer ? answer.rows : answer;
}

/** Creates the table if it is missing. */
export function sqlFencingTokenTable(table = 'fencing_token'): string {
  return `CREATE TABLE IF NOT EXISTS ${identifier(table)} (resource varchar(255) PRIMARY KEY, token bigint NOT NULL)`;
}

/** A name cannot be a parameter, so it is checked: it may come from a configuration that somebody else writes. */
function identifier(name: string): string {
  if (/^[a-z_]\w*(\.[a-z_]\w*)?$/i.test(name)) return name;
  throw new LeaderElectionConfigError(
    `${JSON.stringify(name)} is not a table name (letters, digits, underscores; schema.table).`,
  );
}
