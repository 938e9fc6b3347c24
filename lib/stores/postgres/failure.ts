import { LeaseStoreError } from '../../election/errors.js';
import type { WriteOutcome } from '../../election/lease-store.js';

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
}

/** Connection lost, server shutting down or crashed, statement completion unknown: said by servers that may have committed before. */
function mayHaveCommitted(state: string): boolean {
  return state.startsWith('08') || state.startsWith('57P') || state.startsWith('XX') || state === '40003';
}

/** Another transaction got there first: under REPEATABLE READ and SERIALIZABLE that is an error instead of no row. */
const RIVALRY = new Set(['40001', '40P01', '23505']);

export function outcomeOf(failure: QueryFailure): WriteOutcome {
  if (failure.fate === 'refused' && RIVALRY.has(failure.sqlState ?? '')) {
    return { kind: 'conflict' };
  }
  return { kind: failure.fate === 'lost' ? 'unknown' : 'rejected', cause: errorOf(failure) };
}

export function errorOf({ cause, sqlState, fate }: QueryFailure): LeaseStoreError {
  if (cause instanceof LeaseStoreError) {
    return cause;
  }
  const [code, advice] = explain(sqlState, fate);
  const message = cause instanceof Error ? cause.message : String(cause);
  return new LeaseStoreError(code, `Postgres: ${message}`, { advice, cause });
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
        'The server takes no writes: connect to the primary (a host name that follows it, or target_session_attrs).',
      ];
    case '53300':
      return [
        'STORE_FAILED',
        'The server has no connection left: lower the sizes of pools, or put a pooler in between.',
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
  if (typeof error !== 'object' || error === null || depth > 5) {
    return undefined;
  }
  const wrapped = error as Record<string, unknown>;
  for (const inner of ['cause', 'driverError', 'originalError', 'meta', 'driverAdapterError']) {
    const found = sqlStateOf(wrapped[inner], depth + 1);
    if (found !== undefined) {
      return found;
    }
  }
  for (const key of ['originalCode', 'code']) {
    const code = wrapped[key];
    if (typeof code === 'string' && /^(?!P[1-9])[0-9A-Z]{5}$/.test(code)) {
      return code;
    }
  }
  return undefined;
}
