import { setTimeout as sleep } from 'node:timers/promises';
import { LeaseStoreError } from '../../../election/errors.js';
import { cancelStatement } from './cancel.js';
import { timeout, untilAborted, type Database } from './database.js';
import { INSIDE_TRANSACTION_ADVICE, QueryFailure } from '../errors.js';
import type { Notices } from '../notices.js';
import type { PgPool, PgPoolClient, PostgresRow } from '../options.js';
import { DUE_TO_SETTINGS, IS_ALTERED, isInsideTransaction } from './session.js';
import type { Statement } from '../schema/statements.js';

const GRACE = 250;
/** So many connections that the application has spoilt are thrown away for one statement. */
const MOST_SPOILT = 20;

/** What the application left behind on a connection of its pool: it is thrown away, and another one is tried. */
class SpoiltConnection {
  constructor(
    readonly how: 'transaction' | 'settings',
    readonly failure: QueryFailure,
  ) {}
}

/** Statements on connections of a `pg.Pool`, each bounded over waiting for one, connecting and the query itself. */
export class PooledDatabase implements Database {
  /** Those who wait for a connection, longest first. */
  private readonly waiting: ((client: PgPoolClient) => void)[] = [];

  constructor(
    private readonly pool: () => Promise<PgPool>,
    private readonly notices: Notices,
  ) {}

  async run(statement: Statement, signal: AbortSignal): Promise<readonly PostgresRow[]> {
    let altered = false;
    for (let spoilt = 1; ; spoilt++) {
      try {
        return await this.runOn(await this.checkOut(signal), statement, signal);
      } catch (cause) {
        if (!(cause instanceof SpoiltConnection)) throw cause;

        this.notices.once(cause.how, NOTICES[cause.how]);
        // Settings that every connection begins with cannot be got rid of.
        if (spoilt === MOST_SPOILT || altered) throw cause.failure;

        altered = cause.how === 'settings';
      }
    }
  }

  private async runOn(
    client: PgPoolClient,
    statement: Statement,
    signal: AbortSignal,
  ): Promise<readonly PostgresRow[]> {
    if (isInsideTransaction(client)) {
      client.release(true);
      throw new SpoiltConnection('transaction', new QueryFailure('not-sent', insideTransaction()));
    }
    const answer = ask(client, statement);
    try {
      const rows = await untilAborted(answer, signal);
      if (isInsideTransaction(client)) {
        // A BEGIN was still on its way: what was written goes with the connection.
        client.release(true);
        throw new QueryFailure('lost', insideTransaction());
      }
      giveBack(client);
      return rows;
    } catch (cause) {
      if (cause instanceof QueryFailure) throw cause;

      if (signal.aborted) {
        void retire(client, answer);
        throw new QueryFailure('lost', timeout(signal));
      }
      const failure = QueryFailure.of(cause);
      const how = failure.fate === 'refused' ? await this.howSpoilt(client, failure, signal) : undefined;
      if (how === undefined && failure.fate === 'refused') giveBack(client);
      else client.release(true);
      throw how === undefined ? failure : new SpoiltConnection(how, failure);
    }
  }

  private async howSpoilt(client: PgPoolClient, failure: QueryFailure, signal: AbortSignal) {
    if (failure.isInsideTransaction) return 'transaction';

    if (!DUE_TO_SETTINGS.has(failure.sqlState ?? '')) return undefined;

    // If it cannot be asked, it is of no use either.
    const altered = await untilAborted(client.query(IS_ALTERED), signal).then(
      ({ rows }) => rows[0]?.altered === 'true',
      () => true,
    );
    return altered ? 'settings' : undefined;
  }

  /**
   * A connection, from whichever request for one is granted first: in an exhausted pool an attempt that was given up keeps its place
   * in the queue for the next one, which would otherwise go to the end of it each time.
   */
  private async checkOut(signal: AbortSignal): Promise<PgPoolClient> {
    try {
      signal.throwIfAborted();
      return await this.connect(signal);
    } catch (cause) {
      throw new QueryFailure('not-sent', signal.aborted ? timeout(signal) : cause);
    }
  }

  private connect(signal: AbortSignal): Promise<PgPoolClient> {
    return new Promise<PgPoolClient>((resolve, reject) => {
      const settle = () => {
        signal.removeEventListener('abort', giveUp);
        const place = this.waiting.indexOf(take);
        if (place >= 0) this.waiting.splice(place, 1);
      };
      const take = (client: PgPoolClient) => {
        settle();
        resolve(client);
      };
      const fail = (cause: unknown) => {
        settle();
        reject(cause);
      };
      const giveUp = () => fail(signal.reason);
      this.waiting.push(take);
      signal.addEventListener('abort', giveUp, { once: true });
      this.pool().then(
        // Not the promise: a server that greets and ends a connection in one breath emits before anybody could await it.
        (pool) =>
          pool.connect((error, client) => {
            if (!client) return fail(error);
            client.on('error', ignored);
            const [next] = this.waiting;
            if (next) return next(client);
            giveBack(client);
          }),
        fail,
      );
    });
  }
}

const NOTICES = {
  transaction: `Postgres: the application returned a connection to the pool inside a transaction. It was closed, and another one is used. ${INSIDE_TRANSACTION_ADVICE}`,
  settings:
    'Postgres: the application returned a connection to the pool with a role, a timeout, read-only or session_replication_role set. It was closed, and another one is used. Use SET LOCAL inside a transaction.',
};

function insideTransaction(): LeaseStoreError {
  return new LeaseStoreError(
    'STORE_FAILED',
    'Postgres: the application returned a connection to the pool inside a transaction.',
    { advice: INSIDE_TRANSACTION_ADVICE },
  );
}

async function ask(client: PgPoolClient, { sql, params }: Statement): Promise<readonly PostgresRow[]> {
  let replicated = true;
  const onNotice = (notice: unknown) => {
    // A wait for the synchronous standby was cut short: committed here, perhaps not there, and a failover would take it back.
    replicated &&= (notice as { routine?: string }).routine !== 'SyncRepWaitForLSN';
  };
  client.on('notice', onNotice);
  try {
    const { rows } = await client.query(sql, params);
    if (replicated) return rows;
  } finally {
    client.removeListener('notice', onNotice);
  }
  throw new LeaseStoreError('STORE_FAILED', 'Postgres gave up waiting for its synchronous standby.', {
    advice: 'See who cancels statements, and why the standby lags.',
  });
}

/**
 * Nobody waits for the answer any more. One that comes soon leaves the connection as it was (an election often drops a read that a
 * notification has overtaken); a later one must be read by nobody else. A cancelled connection is not used again: the request travels
 * by itself and might hit the next statement.
 */
async function retire(client: PgPoolClient, answer: Promise<unknown>): Promise<void> {
  const settled = answer.then(
    () => true,
    (cause: unknown) => QueryFailure.of(cause).fate === 'refused',
  );
  if (await Promise.race([settled, sleep(GRACE, false, { ref: false })])) {
    giveBack(client);
  } else {
    cancelStatement(client);
    client.release(true);
  }
}

function giveBack(client: PgPoolClient): void {
  client.removeListener('error', ignored);
  client.release();
}

/**
 * The query that fails with the connection carries the same error; without a listener the event would end the process. It stays on
 * connections that are thrown away: they may have something to say yet.
 */
function ignored(): void {}
