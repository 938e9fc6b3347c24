import { LeaseStoreError } from '../../election/errors.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { Snapshot } from '../../election/lease-store.js';
import { quoted } from '../../election/report/quoted.js';

/** A state of a lease as the database told it. */
export interface ToldState {
  readonly snapshot: Snapshot;
  /** Columns into which somebody has written what nobody can read. Empty: all is well. */
  readonly unreadable: readonly UnreadableColumn[];
}

export interface UnreadableColumn {
  readonly column: string;
  readonly value: unknown;
}

/** The longest that a timer can run: nobody waits for a lease that claims more. */
const LONGEST_DURATION = 2 ** 31 - 1;
/** The end of the year 9999: what lies beyond, or before 1970, was never a clock. */
const LAST_INSTANT = 253_402_300_799_999;
const LAST_TOKEN = 2n ** 63n - 1n;

type Check = (value: unknown) => boolean;

const isTextOrNull: Check = (value) => value === null || isText(value);
const isTime: Check = (value) => value === null || isWithin(value, LAST_INSTANT);

/** The fields of a record, the columns that they stand in, and what can be in them. */
const FIELDS: {
  readonly [field in Exclude<keyof LeaseRecord, 'ledger'>]: readonly [column: string, isReadable: Check];
} = {
  holder: ['holder', isTextOrNull],
  duration: ['duration_ms', (value) => isWithin(value, LONGEST_DURATION)],
  acquiredAt: ['acquired_at', isTime],
  renewedAt: ['renewed_at', isTime],
  // It is counted up and written back.
  transitions: ['transitions', (value) => Number.isSafeInteger(value) && isWithin(value, Number.MAX_SAFE_INTEGER - 1)],
  term: ['term', isTextOrNull],
  writeId: ['write_id', isTextOrNull],
};

/**
 * The state of a row as the database tells it, in answers and notifications alike. `null`: the lease never was. A row in which a
 * field cannot be read is held by somebody unknown: it is waited out, as every doubt is, and written over.
 * @throws LeaseStoreError when it is no state of a lease at all
 */
export function stateOf(state: unknown, age?: number): ToldState {
  if (state === null) return { snapshot: { lease: null, token: 0n }, unreadable: [] };

  const { deleted, token, version, uid, storeTime: clock, ...told } = parse(state);
  if (typeof deleted !== 'boolean' || !isToken(token) || !isText(version)) throw notUnderstood(state);

  const storeTime = isWithin(clock, LAST_INSTANT) ? { storeTime: clock } : {};
  if (deleted) return { snapshot: { lease: null, token: BigInt(token), ...storeTime }, unreadable: [] };

  const unreadable = Object.entries(FIELDS)
    .filter(([field, [, isReadable]]) => !isReadable(told[field]))
    .map(([field, [column]]) => ({ column, value: told[field] }));
  if (!isText(uid)) unreadable.push({ column: 'uid', value: uid });

  const lease = {
    record: unreadable.length === 0 ? recordOf(told) : unknownHolder(version, told.duration),
    version,
    uid: isText(uid) ? uid : `unreadable.${version}`,
    ...(age !== undefined && Number.isFinite(age) && { age: Math.max(0, age) }),
  };
  return { snapshot: { token: BigInt(token), lease, ...storeTime }, unreadable };
}

/** As {@link stateOf}, where nobody is told of what cannot be read. */
export function snapshotOf(state: unknown, age?: number): Snapshot {
  return stateOf(state, age).snapshot;
}

function recordOf(told: Record<string, unknown>): LeaseRecord {
  const { holder, duration, acquiredAt, renewedAt, transitions, term, writeId, ledger } =
    told as unknown as LeaseRecord;
  const record = { holder, duration, acquiredAt, renewedAt, transitions, term, writeId };
  return isText(ledger) ? { ...record, ledger } : record;
}

/** Each version of such a row is somebody's last word: the next one is waited out anew. */
function unknownHolder(version: string, duration: unknown): LeaseRecord {
  return {
    holder: `unreadable version ${version}`,
    duration: isWithin(duration, LONGEST_DURATION) ? duration : 0,
    acquiredAt: null,
    renewedAt: null,
    transitions: 0,
    term: null,
    writeId: null,
  };
}

function parse(state: unknown): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(String(state));
  } catch (cause) {
    throw notUnderstood(state, cause);
  }
  if (typeof parsed !== 'object' || parsed === null) throw notUnderstood(state);

  return parsed as Record<string, unknown>;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isWithin(value: unknown, most: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= most;
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,19}$/.test(value) && BigInt(value) <= LAST_TOKEN;
}

function notUnderstood(state: unknown, cause?: unknown): LeaseStoreError {
  return new LeaseStoreError(
    'STORE_BAD_DATA',
    `Postgres told the state of a lease in a form that is not understood: ${quoted(state)}`,
    {
      advice: 'If the client is an adapter of your own: it must give column values as the driver reads them from text.',
      cause,
    },
  );
}
