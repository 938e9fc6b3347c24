import { LeaderElectionConfigError } from '../election/index.js';
import type { FencingTokenStore } from './fencing-token-store.js';

/** The smallest adapter to a database: runs one statement and gives its rows. A `pg.Pool` is one. */
export interface SqlClient {
  /** Rows as an array, or under `rows`. */
  query(sql: string, params: string[]): Promise<readonly unknown[] | { readonly rows: readonly unknown[] }>;
}

/** Of a {@link SqlFencingTokenStore}. */
export interface SqlFencingTokenStoreOptions {
  /** A `pg.Pool`, or an adapter to whatever else runs SQL. */
  client: SqlClient;
  /** Default `fencing_token`. Of {@link sqlFencingTokenTable}. */
  table?: string;
  /** How parameters are written: `$1` (Postgres, the default) or `?` (SQLite). */
  placeholders?: '$' | '?';
}

/** Survives restarts, and serves several receivers that share a database: Postgres 9.5, SQLite 3.35 and later. */
export class SqlFencingTokenStore implements FencingTokenStore {
  private readonly client: SqlClient;
  private readonly statement: string;

  constructor({ client, table = 'fencing_token', placeholders = '$' }: SqlFencingTokenStoreOptions) {
    this.client = client;
    const [resource, token] = placeholders === '$' ? ['$1', '$2'] : ['?', '?'];
    // The condition stands in the write itself: between a read and a write a later term could pass.
    this.statement = `INSERT INTO ${identifier(table)} AS mark (resource, token) VALUES (${resource}, CAST(${token} AS bigint))
ON CONFLICT (resource) DO UPDATE SET token = excluded.token WHERE mark.token <= excluded.token
RETURNING resource`;
  }

  async accept(resource: string, token: bigint): Promise<boolean> {
    const answer = await this.client.query(this.statement, [resource, token.toString()]);
    return ('rows' in answer ? answer.rows : answer).length > 0;
  }
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
