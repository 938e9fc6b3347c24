import { LeaseStoreError } from '../../election/errors.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from '../../election/lease-store.js';
import type { Database } from './database.js';
import { errorOf, outcomeOf, QueryFailure } from './failure.js';
import type { PostgresRow } from './options.js';
import { snapshotOf } from './state.js';
import type { LeaseKey, Statement, Statements } from './statements.js';

/** One lease: one row. */
export class PostgresHandle implements LeaseHandle {
  constructor(
    private readonly key: LeaseKey,
    private readonly database: Database,
    private readonly statements: Statements,
    private readonly options: { trustServerClock: boolean },
    /** Absent: there is nothing to listen on. */
    readonly watch?: LeaseHandle['watch'],
  ) {}

  async read(signal: AbortSignal): Promise<Snapshot> {
    const { standby, state, age } = await this.ask(this.statements.read(this.key), signal);
    if (standby !== 'false') {
      throw new LeaseStoreError('STORE_FAILED', 'Postgres: this server is a standby, and what it shows may be old.', {
        advice: 'Connect to the primary: a host name that follows it, or a pooler that does.',
      });
    }
    return snapshotOf(state ?? null, this.options.trustServerClock && age != null ? Number(age) : undefined);
  }

  async replace(seen: Snapshot, record: LeaseRecord, signal: AbortSignal): Promise<WriteOutcome> {
    const statement = seen.lease
      ? this.statements.update(this.key, seen.lease, record)
      : this.statements.create(this.key, seen.token, record);
    try {
      const [row] = await this.database.run(statement, signal);
      return row === undefined
        ? { kind: 'conflict' }
        : { kind: 'applied', snapshot: snapshotOf(row.state, this.options.trustServerClock ? 0 : undefined) };
    } catch (cause) {
      // An answer that cannot be understood comes after the write.
      return cause instanceof QueryFailure ? outcomeOf(cause) : { kind: 'unknown', cause };
    }
  }

  private async ask(statement: Statement, signal: AbortSignal): Promise<PostgresRow> {
    try {
      const [row] = await this.database.run(statement, signal);
      return row ?? {};
    } catch (cause) {
      throw cause instanceof QueryFailure ? errorOf(cause) : cause;
    }
  }
}
