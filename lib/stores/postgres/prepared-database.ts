import type { Database } from './database.js';
import { QueryFailure } from './failure.js';
import type { PostgresRow } from './options.js';
import type { Statement } from './statements.js';

/** No such table, schema or function. */
const ABSENT = new Set(['42P01', '3F000', '42883']);

/** Creates what is missing when it is first missed: a database that is set up costs nothing, and one that was dropped heals. */
export class PreparedDatabase implements Database {
  constructor(
    private readonly database: Database,
    private readonly setup: Statement,
  ) {}

  async run(statement: Statement, signal: AbortSignal): Promise<readonly PostgresRow[]> {
    try {
      return await this.database.run(statement, signal);
    } catch (failure) {
      if (!(failure instanceof QueryFailure) || failure.fate !== 'refused' || !ABSENT.has(failure.sqlState ?? '')) {
        throw failure;
      }
    }
    await this.database.run(this.setup, signal).catch((failure: QueryFailure) => {
      // Whatever became of the set-up, the statement itself was not sent.
      throw new QueryFailure('not-sent', failure.cause, failure.sqlState);
    });
    return this.database.run(statement, signal);
  }
}
