import { LeaseStoreError } from '../../../election/errors.js';
import type { Database } from './database.js';
import { QueryFailure } from '../errors.js';
import { inspection, judge, type Finding } from '../schema/inspection.js';
import type { PostgresNames } from '../schema/names.js';
import type { Notices } from '../notices.js';
import type { PostgresRow } from '../options.js';
import { PlainStatements, ProcedureCalls, type Statement, type Statements } from '../schema/statements.js';

export interface LeaseDatabaseOptions {
  /** Creates what is missing and replaces what is old; absent: nothing may be created. */
  readonly setup: Statement | undefined;
  /** A role that may own what is there. */
  readonly owner: string | undefined;
}

/** No such table, schema or function. */
const ABSENT = new Set(['42P01', '3F000', '42883', '42704']);

/**
 * The database, looked at before its first use: what somebody else has put there is not run. Creates what is missing when it is first
 * missed: a database that is set up costs one look, and one that was dropped heals.
 */
export class LeaseDatabase {
  private statements: Statements | undefined;

  constructor(
    private readonly database: Database,
    private readonly names: PostgresNames,
    private readonly options: LeaseDatabaseOptions,
    private readonly notices: Notices,
  ) {}

  /** @throws QueryFailure, and nothing else */
  async run(choose: (statements: Statements) => Statement, signal: AbortSignal): Promise<readonly PostgresRow[]> {
    const statements = (this.statements ??= await this.prepared(signal));
    try {
      return await this.database.run(choose(statements), signal);
    } catch (failure) {
      if (!(failure instanceof QueryFailure) || failure.fate !== 'refused' || !ABSENT.has(failure.sqlState ?? ''))
        throw failure;
    }
    this.statements = await this.prepared(signal);
    return this.database.run(choose(this.statements), signal);
  }

  /** Whatever fails here: the statement that it is for was not sent. */
  private async prepared(signal: AbortSignal): Promise<Statements> {
    try {
      return await this.prepare(signal);
    } catch (failure) {
      throw failure instanceof QueryFailure
        ? new QueryFailure('not-sent', failure.cause, failure.sqlState)
        : new QueryFailure('not-sent', failure);
    }
  }

  private async prepare(signal: AbortSignal): Promise<Statements> {
    let found = await this.look(signal);
    if (found !== 'ready' && this.options.setup) {
      await this.setUp(this.options.setup, found, signal);
      found = await this.look(signal);
    }
    switch (found) {
      case 'absent':
        throw new LeaseStoreError('STORE_NOT_FOUND', `Postgres: there is no table ${this.names.lease}.`, {
          advice:
            'Run postgresLeaseSql({ schema, table }) of nestjs-leader/postgres in the database that the election uses, or allow createTable.',
        });
      case 'old':
        this.notices.once(
          'old',
          `Postgres: ${this.names.lease} was set up by an earlier version. It works, but without what has been added since: a client that is given as an adapter may write inside a transaction of the application. Run postgresLeaseSql() of nestjs-leader/postgres as the owner of the table.`,
        );
        return new PlainStatements(this.names);
      case 'ready':
        return new ProcedureCalls(this.names);
    }
  }

  private async look(signal: AbortSignal): Promise<Finding> {
    const [row] = await this.database.run(inspection(this.names, this.options.owner), signal);
    return judge(row?.facts, this.names);
  }

  private async setUp(setup: Statement, found: Finding, signal: AbortSignal): Promise<void> {
    try {
      await this.database.run(setup, signal);
    } catch (failure) {
      // Only its owner may replace it, and only a primary takes writes. What is there works.
      const mayNot = failure instanceof QueryFailure && ['42501', '25006'].includes(failure.sqlState ?? '');
      if (found === 'absent' || !mayNot) throw failure;
    }
  }
}
