import { LeaseStoreError } from '../../election/errors.js';
import { cancelStatement } from './cancel.js';
import { timeout, untilAborted, type Database } from './database.js';
import { QueryFailure } from './failure.js';
import type { PgPool, PgPoolClient, PostgresRow } from './options.js';
import type { Statement } from './statements.js';

/** Statements on connections of a `pg.Pool`, each bounded over waiting for one, connecting and the query itself. */
export class PooledDatabase implements Database {
  /** Those who wait for a connection, longest first. */
  private readonly waiting: ((client: PgPoolClient) => void)[] = [];

  constructor(private readonly pool: () => Promise<PgPool>) {}

  async run({ sql, params }: Statement, signal: AbortSignal): Promise<readonly PostgresRow[]> {
    const client = await this.checkOut(signal);
    let replicated = true;
    const onNotice = (notice: unknown) => {
      // A wait for the synchronous standby was cut short: committed here, perhaps not there, and a failover would take it back.
      replicated &&= (notice as { routine?: string }).routine !== 'SyncRepWaitForLSN';
    };
    client.on('notice', onNotice);
    let sound = false;
    try {
      const { rows } = await untilAborted(client.query(sql, params), signal);
      sound = true;
      if (!replicated) {
        throw new QueryFailure(
          'lost',
          new LeaseStoreError('STORE_FAILED', 'Postgres gave up waiting for its synchronous standby.', {
            advice: 'See who cancels statements, and why the standby lags.',
          }),
        );
      }
      return rows;
    } catch (cause) {
      if (cause instanceof QueryFailure) {
        throw cause;
      }
      if (signal.aborted) {
        cancelStatement(client);
        throw new QueryFailure('lost', timeout(signal));
      }
      const failure = QueryFailure.of(cause);
      sound = failure.fate === 'refused';
      throw failure;
    } finally {
      client.removeListener('notice', onNotice);
      if (sound) client.removeListener('error', ignored);
      // An answer may still be under way on this connection: nobody else shall read it.
      client.release(!sound);
    }
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
            client.removeListener('error', ignored);
            client.release();
          }),
        fail,
      );
    });
  }
}

/** The query that fails with the connection carries the same error; without a listener the event would end the process. */
function ignored(): void {}
