import type { LeaseRecord } from '../../../election/lease-record.js';
import type { StoredLease } from '../../../election/lease-store.js';
import type { PostgresNames } from './names.js';

/** A statement and its parameters (`$1`, `$2`). */
export interface Statement {
  readonly sql: string;
  readonly params: (string | null)[];
}

export interface LeaseKey {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The three statements of the store. Each is a transaction of its own, so that a pooler in transaction mode may sit in between. All
 * parameters are strings, all results text: drivers differ in everything else.
 */
export interface Statements {
  /** One row, always: `standby`, `state` (null for a lease that never was) and `age`. */
  read(key: LeaseKey): Statement;
  /** A row with a `state` if the lease still was what was seen, else none. `note`: what the database has to say about it. */
  update(key: LeaseKey, seen: StoredLease, record: LeaseRecord): Statement;
  /** The same if the lease still was absent. */
  create(key: LeaseKey, token: bigint, record: LeaseRecord): Statement;
}

/** Of the procedure that writes, in order; all are text. */
export const WRITE_PARAMETERS = [
  'lease_namespace',
  'lease_name',
  'seen_version',
  'seen_token',
  'new_holder',
  'new_duration',
  'new_acquired_at',
  'new_renewed_at',
  'new_transitions',
  'new_term',
  'new_write_id',
  'new_ledger',
] as const;

/** By procedures that are refused inside a transaction of somebody else's. */
export class ProcedureCalls implements Statements {
  constructor(private readonly db: PostgresNames) {}

  read({ namespace, name }: LeaseKey): Statement {
    return call(this.db.read, [namespace, name], 3);
  }

  update(key: LeaseKey, seen: StoredLease, record: LeaseRecord): Statement {
    return this.write(key, seen.version, null, record);
  }

  create(key: LeaseKey, token: bigint, record: LeaseRecord): Statement {
    return this.write(key, null, String(token), record);
  }

  private write({ namespace, name }: LeaseKey, version: string | null, token: string | null, record: LeaseRecord) {
    return call(this.db.write, [namespace, name, version, token, ...columns(record), record.ledger ?? null], 2);
  }
}

/** Types are named in full: the search path of a pooled connection is whatever the application has left there. */
function call(procedure: string, params: (string | null)[], results: number): Statement {
  const inputs = params.map((_, index) => `$${index + 1}::pg_catalog.text`);
  const outputs = Array<string>(results).fill('NULL::pg_catalog.text');
  return { sql: `CALL ${procedure}(${[...inputs, ...outputs].join(', ')})`, params };
}

/** For a database that an earlier version has set up, and whose owner has not run the set-up since: it has no procedures. */
export class PlainStatements implements Statements {
  constructor(private readonly db: PostgresNames) {}

  read({ namespace, name }: LeaseKey): Statement {
    const { lease, state, timeline } = this.db;
    return {
      // An age counts on one server's clock: after a failover another has written.
      sql: `SELECT pg_is_in_recovery()::text AS standby, CASE WHEN l.name IS NOT NULL THEN ${state}(l) END AS state,
  (CASE WHEN l.timeline = ${timeline}() THEN extract(epoch FROM clock_timestamp() - l.written_at) * 1000 END)::text AS age
FROM (VALUES (1)) AS one (row) LEFT JOIN ${lease} AS l ON l.namespace = $1 AND l.name = $2`,
      params: [namespace, name],
    };
  }

  update({ namespace, name }: LeaseKey, seen: StoredLease, record: LeaseRecord): Statement {
    const { lease, state, version } = this.db;
    return {
      sql: rowsOf(`UPDATE ${lease} AS l SET holder = $4, duration_ms = $5::float8, acquired_at = to_timestamp($6::float8 / 1000),
  renewed_at = to_timestamp($7::float8 / 1000), transitions = $8::bigint, term = $9, write_id = $10
WHERE l.namespace = $1 AND l.name = $2 AND NOT l.deleted AND ${version}(l) = $3
RETURNING ${state}(l) AS state`),
      params: [namespace, name, seen.version, ...columns(record)],
    };
  }

  create({ namespace, name }: LeaseKey, token: bigint, record: LeaseRecord): Statement {
    const { lease, state, token: tokenOf } = this.db;
    const named = ['holder', 'duration_ms', 'acquired_at', 'renewed_at', 'transitions', 'term', 'write_id'];
    return {
      sql: rowsOf(`INSERT INTO ${lease} AS l (namespace, name, ${named.join(', ')})
VALUES ($1, $2, $4, $5::float8, to_timestamp($6::float8 / 1000), to_timestamp($7::float8 / 1000), $8::bigint, $9, $10)
ON CONFLICT (namespace, name) DO UPDATE SET deleted = false, ${named.map((column) => `${column} = EXCLUDED.${column}`).join(', ')}
WHERE l.deleted AND ${tokenOf}(l) = $3::bigint
RETURNING ${state}(l) AS state`),
      params: [namespace, name, String(token), ...columns(record)],
    };
  }
}

/** As a SELECT: of an UPDATE that returns rows some ORMs give the rows, others a count, TypeORM both in an array. */
export function rowsOf(write: string): string {
  return `WITH written AS (${write}) SELECT * FROM written`;
}

function columns({ holder, duration, acquiredAt, renewedAt, transitions, term, writeId }: LeaseRecord) {
  const text = (value: number | null) => (value === null ? null : String(value));
  return [holder, text(duration), text(acquiredAt), text(renewedAt), String(transitions), term, writeId];
}
