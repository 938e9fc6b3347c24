import { LeaderElectionError } from '../../election/errors.js';
import type { LeadershipTerm } from '../../election/leadership-term.js';
import { postgresNames } from './schema/names.js';
import type { PostgresClient } from './options.js';
import { rowsOf, type Statement } from './schema/statements.js';

/** Where the fence table stands. */
export interface PostgresFenceOptions {
  /** Of the lease table, which the fence table stands beside. Default `public`. */
  schema?: string;
  /** Default `leader_lease`. */
  table?: string;
}

/**
 * Lets the transaction that `client` is in go on only if no later term has written to `resource`; otherwise throws, and the transaction
 * must be rolled back. Its row stays locked until then, so that terms write one after the other and a later one finds this one's mark.
 *
 * @param client runs statements inside the same transaction as the writes to protect
 * @param term the term on which the writes are made
 * @param resource names what the writes change, alike in all replicas: a table, an account, a job
 * @throws LeaderElectionError with code FENCED when a later term has been here
 */
export async function fence(
  client: PostgresClient,
  term: Pick<LeadershipTerm, 'fencingToken'>,
  resource: string,
  options?: PostgresFenceOptions,
): Promise<void> {
  const { sql, params } = fenceStatement(term, resource, options);
  const answer = await client.query(sql, params);
  const rows = 'rows' in answer ? answer.rows : answer;
  if (rows.length === 0) {
    throw new LeaderElectionError(
      'FENCED',
      `A later term than ${term.fencingToken} has written to "${resource}".`,
      'Roll the transaction back and stop this work: this replica leads no longer, another does.',
    );
  }
}

/** The statement that {@link fence} runs, for those who run it themselves: no row means that a later term has been here. */
export function fenceStatement(
  { fencingToken }: Pick<LeadershipTerm, 'fencingToken'>,
  resource: string,
  options?: PostgresFenceOptions,
): Statement {
  return {
    sql: rowsOf(`INSERT INTO ${postgresNames(options).fence} AS mark (resource, token) VALUES ($1, $2::bigint)
ON CONFLICT (resource) DO UPDATE SET token = EXCLUDED.token WHERE mark.token <= EXCLUDED.token
RETURNING mark.token::text AS token`),
    params: [resource, String(fencingToken)],
  };
}
