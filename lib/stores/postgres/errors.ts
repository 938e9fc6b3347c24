import { LeaseStoreError } from '../../election/errors.js';
import type { WriteOutcome } from '../../election/lease-store.js';
import { quoted } from '../../election/report/quoted.js';

/** A statement that brought no rows. */
export class QueryFailure {
  constructor(
    /** `not-sent`: the server never saw it. `refused`: it answered with an error, which undoes the statement. `lost`: nobody knows. */
    readonly fate: 'not-sent' | 'refused' | 'lost',
    readonly cause: unknown,
    readonly sqlState = sqlStateOf(cause),
  ) {}

  static of(cause: unknown): QueryFailure {
    const state = sqlStateOf(cause);
    return new QueryFailure(state !== undefined && !mayHaveCommitted(state) ? 'refused' : 'lost', cause, state);
  }

  /** The statement met an open transaction of the application's: the connection is not to be used. */
  get isInsideTransaction(): boolean {
    return INSIDE_TRANSACTION.has(this.sqlState ?? '');
  }
}

/**
 * Classes of SQLSTATE by which Postgres says that a statement is undone. An error of the operating system has a code of five capitals too
 * (EPIPE), and says nothing about the statement; so does a code that nobody knows.
 */
const UNDONE = new Set(
  '09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0'.split(
    ' ',
  ),
);

/**
 * Said by servers that may have committed before: a connection lost, a server that shuts down or crashes, a session that was ended by a
 * timeout, an unknown completion, and what may be the last word of a server that panics (disk full, out of memory, I/O error).
 */
const PERHAPS_DONE = /^(08|57P|58|XX|40003|25P03|25P04|53100|53200)/;

function mayHaveCommitted(state: string): boolean {
  return PERHAPS_DONE.test(state) || !UNDONE.has(state.slice(0, 2));
}

/** The procedures of the store begin with COMMIT, which is refused there; in a transaction that has failed, so is everything. */
const INSIDE_TRANSACTION = new Set(['2D000', '25P02', '25001']);

/** Another transaction got there first: under REPEATABLE READ and SERIALIZABLE that is an error instead of no row. */
const RIVALRY = new Set(['40001', '40P01', '23505']);

export function outcomeOf(failure: QueryFailure): WriteOutcome {
  if (failure.fate === 'refused' && RIVALRY.has(failure.sqlState ?? '')) return { kind: 'conflict' };

  return { kind: failure.fate === 'lost' ? 'unknown' : 'rejected', cause: errorOf(failure) };
}

export function errorOf(failure: QueryFailure): LeaseStoreError {
  const { cause, sqlState, fate } = failure;
  if (cause instanceof LeaseStoreError) return cause;

  if (failure.isInsideTransaction) {
    return new LeaseStoreError(
      'STORE_FAILED',
      `Postgres refused a statement of the election, which ran inside a transaction of the application: ${said(cause)}`,
      { advice: INSIDE_TRANSACTION_ADVICE, cause },
    );
  }
  const [code, advice] = explain(sqlState, fate);
  return new LeaseStoreError(code, `Postgres: ${said(cause)}`, { advice, cause });
}

export const INSIDE_TRANSACTION_ADVICE =
  'Find the code that gives a connection back without COMMIT or ROLLBACK. An adapter must run each statement outside any transaction of yours.';

function said(cause: unknown): string {
  return quoted(cause instanceof Error ? cause.message : String(cause));
}

function explain(
  state: string | undefined,
  fate: QueryFailure['fate'],
): [LeaseStoreError['code'] & `STORE_${string}`, string] {
  switch (state) {
    case '28000':
    case '28P01':
      return [
        'STORE_UNAUTHENTICATED',
        'Check user, password and pg_hba.conf of the connection given to postgresLease().',
      ];
    case '42501':
      return [
        'STORE_FORBIDDEN',
        'Run postgresLeaseSql({ schema, table, grantTo: "<application role>" }) of nestjs-leader/postgres once, as a role that may create and grant.',
      ];
    case '3D000':
    case '3F000':
    case '42P01':
    case '42883':
      return [
        'STORE_NOT_FOUND',
        'Run postgresLeaseSql({ schema, table }) of nestjs-leader/postgres in the database that the election uses, or allow createTable.',
      ];
    case '25006':
      return [
        'STORE_FAILED',
        'The server takes no writes: connect to the primary (a host name that follows it, or target_session_attrs), and look for default_transaction_read_only.',
      ];
    case '53300':
      return [
        'STORE_FAILED',
        'The server has no connection left: lower the sizes of pools, or put a pooler in between.',
      ];
    case '55000':
      return [
        'STORE_FAILED',
        'The triggers of the lease table must run: ALTER TABLE <lease table> ENABLE TRIGGER USER, and session_replication_role = origin.',
      ];
    case '55P03':
    case '57014':
      return [
        'STORE_FAILED',
        'Look at lock_timeout and statement_timeout of this role, and at locks on the lease table (pg_locks). The election retries by itself.',
      ];
    default:
      return fate === 'not-sent'
        ? [
            'STORE_FAILED',
            'No connection could be had: look at host, port, TLS and the size of the pool. The election retries by itself.',
          ]
        : ['STORE_FAILED', 'Look at the log of the server and the network to it. The election retries by itself.'];
  }
}

/**
 * Drivers and ORMs wrap what the server said. The innermost five characters count: Prisma's own codes (P2010) look alike but are its
 * outermost.
 */
function sqlStateOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined;

  const wrapped = error as Record<string, unknown>;
  for (const inner of ['cause', 'driverError', 'originalError', 'meta', 'driverAdapterError']) {
    const found = sqlStateOf(wrapped[inner], depth + 1);
    if (found !== undefined) return found;
  }
  // Node's own errors name the call that failed: their codes are not the server's.
  if ('syscall' in wrapped || typeof wrapped.errno === 'number') return undefined;

  for (const key of ['originalCode', 'code']) {
    const code = wrapped[key];
    if (typeof code === 'string' && /^(?!P[1-9])[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)) return code;
  }
  return undefined;
}
