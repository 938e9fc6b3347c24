import { LeaseStoreError } from '../../../election/errors.js';
import { QueryFailure } from '../errors.js';
import type { PostgresClient, PostgresRow } from '../options.js';
import type { Statement } from '../schema/statements.js';

/** Runs one statement under the deadline of `signal`. */
export interface Database {
  /** @throws QueryFailure, and nothing else */
  run(statement: Statement, signal: AbortSignal): Promise<readonly PostgresRow[]>;
}

/** Somebody else's driver: it can neither be interrupted nor asked how far it came. */
export class AdaptedDatabase implements Database {
  constructor(private readonly client: PostgresClient) {}

  async run({ sql, params }: Statement, signal: AbortSignal): Promise<readonly PostgresRow[]> {
    if (signal.aborted) throw new QueryFailure('not-sent', timeout(signal));

    try {
      const answer = await untilAborted(this.client.query(sql, params), signal);
      return 'rows' in answer ? answer.rows : answer;
    } catch (cause) {
      throw signal.aborted ? new QueryFailure('lost', timeout(signal)) : QueryFailure.of(cause);
    }
  }
}

/** Settles as `promise` does, or rejects when `signal` aborts; what `promise` does afterwards goes unnoticed. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();

    signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

export function timeout(signal: AbortSignal): LeaseStoreError {
  const { reason } = signal;
  return reason instanceof LeaseStoreError
    ? reason
    : new LeaseStoreError('STORE_TIMEOUT', 'Postgres did not answer in time.', {
        advice:
          'Look at the size of the pool, locks (pg_stat_activity) and the network to the server. The election retries by itself.',
        cause: reason,
      });
}
