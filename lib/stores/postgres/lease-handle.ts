import { LeaseStoreError } from '../../election/errors.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from '../../election/lease-store.js';
import { quoted } from '../../election/report/quoted.js';
import { errorOf, outcomeOf, QueryFailure } from './errors.js';
import type { LeaseDatabase } from './connection/lease-database.js';
import { literal, type PostgresNames } from './schema/names.js';
import type { Notices } from './notices.js';
import type { PostgresRow } from './options.js';
import { snapshotOf, stateOf, type ToldState } from './codec.js';
import type { LeaseKey } from './schema/statements.js';

interface Surroundings {
  readonly names: PostgresNames;
  readonly database: LeaseDatabase;
  readonly notices: Notices;
}

/** One lease: one row. */
export class PostgresHandle implements LeaseHandle {
  constructor(
    private readonly key: LeaseKey,
    private readonly surroundings: Surroundings,
    private readonly options: { trustServerClock: boolean },
    /** Absent: there is nothing to listen on. */
    readonly watch?: LeaseHandle['watch'],
  ) {}

  async read(signal: AbortSignal): Promise<Snapshot> {
    const { standby, state, age } = await this.ask(signal);
    if (standby !== 'false') {
      throw new LeaseStoreError('STORE_FAILED', 'Postgres: this server is a standby, and what it shows may be old.', {
        advice: 'Connect to the primary: a host name that follows it, or a pooler that does.',
      });
    }
    const told = stateOf(state ?? null, this.options.trustServerClock && age != null ? Number(age) : undefined);
    this.tellUnreadable(told);
    return told.snapshot;
  }

  async replace(seen: Snapshot, record: LeaseRecord, signal: AbortSignal): Promise<WriteOutcome> {
    const { database, notices } = this.surroundings;
    try {
      const [row] = await database.run(
        (statements) =>
          seen.lease
            ? statements.update(this.key, seen.lease, record)
            : statements.create(this.key, seen.token, record),
        signal,
      );
      // The procedure gives a row without a state.
      if (row?.state == null) return { kind: 'conflict' };

      if (row.note === 'sequence moved' || row.note === 'sequence behind')
        notices.once('sequence', this.sequenceFellBehind(row.note === 'sequence moved'));

      return { kind: 'applied', snapshot: snapshotOf(row.state, this.options.trustServerClock ? 0 : undefined) };
    } catch (cause) {
      // An answer that cannot be understood comes after the write.
      return cause instanceof QueryFailure ? outcomeOf(cause) : { kind: 'unknown', cause };
    }
  }

  private async ask(signal: AbortSignal): Promise<PostgresRow> {
    try {
      const [row] = await this.surroundings.database.run((statements) => statements.read(this.key), signal);
      return row ?? {};
    } catch (cause) {
      throw cause instanceof QueryFailure ? errorOf(cause) : cause;
    }
  }

  private tellUnreadable({ snapshot, unreadable }: ToldState): void {
    if (unreadable.length === 0) return;

    const { names, notices } = this.surroundings;
    const { namespace, name } = this.key;
    const values = unreadable.map(({ column, value }) => `${column} = ${quoted(JSON.stringify(value), 60)}`);
    const repairs = unreadable.map(({ column }) => `${column} = ${REPAIRS[column] ?? 'DEFAULT'}`);
    notices.once(
      `unreadable ${JSON.stringify([namespace, name])}`,
      `Postgres: the row of the lease ${quoted(name)} cannot be read (${values.join(', ')}). It counts as held by somebody unknown, is waited out for a full duration and then written over. To repair it at once: UPDATE ${names.lease} SET ${repairs.join(', ')} WHERE namespace = ${literal(namespace)} AND name = ${literal(name)};`,
      snapshot.lease?.version,
    );
  }

  private sequenceFellBehind(moved: boolean): string {
    const { lease, revision } = this.surroundings.names;
    const now = moved
      ? 'It has been moved on.'
      : `Move it on: SELECT setval(${literal(revision)}, (SELECT max(revision) FROM ${lease}));`;
    return `Postgres: the sequence ${revision} stood below a row of ${lease}, as after a move that took the table without it. Tokens went on from the row. ${now}`;
  }
}

/** What a column is given by hand so that its row can be read again. */
const REPAIRS: Readonly<Record<string, string>> = {
  holder: 'NULL',
  acquired_at: 'now()',
  renewed_at: 'now()',
  transitions: '0',
  term: 'NULL',
  write_id: 'NULL',
  uid: 'gen_random_uuid()',
};
