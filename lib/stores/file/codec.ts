import type { LeaseRecord } from '../../election/lease-record.js';
import type { StoredLease } from '../../election/lease-store.js';
import { BOOT_CLOCK_STEP, bootClock } from '../../election/clock/system-clock.js';
import type { ProcessIdentity } from './process-identity.js';

/** What one version file of a lease says. */
export interface LeaseFile {
  /** Version that created the lease. */
  readonly uid: string;
  /** Tells this file from another one that a slow writer makes under the same number, long pruned. */
  readonly nonce: string;
  readonly record: LeaseRecord;
  /** Who wrote it; `null` where that cannot be told apart from other processes. */
  readonly writer: ProcessIdentity | null;
  /** Boot clock of the writer's place just before it wrote, milliseconds; `null` where it could not be read. */
  readonly writtenAt: number | null;
}

export function encode(file: LeaseFile): string {
  return `${JSON.stringify({ format: 1, ...file })}\n`;
}

/** `null` when the text is not a whole lease file: cut short by a power failure, or touched by other hands. */
export function decode(text: string): LeaseFile | null {
  try {
    const { format, ...file } = (JSON.parse(text) ?? {}) as LeaseFile & { format?: unknown };
    return format === 1 && isLeaseFile(file) ? file : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Somebody held the lease and nobody can say who or for how long: others wait a full duration of their own. */
export function unreadableLease(number: number): StoredLease {
  const record: LeaseRecord = {
    holder: `unreadable version ${number}`,
    duration: 0,
    acquiredAt: null,
    renewedAt: null,
    transitions: 0,
    term: null,
    writeId: null,
  };
  return { record, version: versionOf(number, null), uid: `unreadable-${number}` };
}

/** How a snapshot calls a version. */
export function versionOf(number: number, file: Pick<LeaseFile, 'nonce'> | null): string {
  return `${number}.${file?.nonce ?? 'unreadable'}`;
}

export function storedLease(number: number, file: LeaseFile, self: ProcessIdentity | null): StoredLease {
  const lease = { record: file.record, version: versionOf(number, file), uid: file.uid };
  const age = ageOf(file, self);
  return age === undefined ? lease : { ...lease, age };
}

/** Never more than the true age: others count from it how long they must keep away. */
function ageOf({ writer, writtenAt }: LeaseFile, self: ProcessIdentity | null): number | undefined {
  // Another place has another boot clock (a reboot, a container with an uptime of its own).
  if (!self || self.place !== writer?.place) return undefined;
  const now = bootClock();
  // A write from before the boot, or from the time to come: something else than this clock has told it.
  if (now === undefined || writtenAt === null || writtenAt < 0 || writtenAt > now) return undefined;
  return Math.max(0, now - writtenAt - BOOT_CLOCK_STEP);
}

function isLeaseFile(file: LeaseFile): boolean {
  const { uid, nonce, record, writer, writtenAt } = file;
  return (
    isText(uid) &&
    isText(nonce) &&
    (writtenAt === null || Number.isFinite(writtenAt)) &&
    (writer === null ||
      (Number.isInteger(writer?.pid) && writer.pid > 0 && isText(writer.startTime) && isText(writer.place))) &&
    typeof record === 'object' &&
    record !== null &&
    isText(record.holder, null) &&
    isText(record.term, null) &&
    isText(record.writeId, null) &&
    (record.ledger === undefined || isText(record.ledger)) &&
    isWithin(record.duration, 0, LONGEST_DURATION) &&
    isWithin(record.transitions, 0, Number.MAX_SAFE_INTEGER) &&
    [record.acquiredAt, record.renewedAt].every((time) => time === null || isWithin(time, -LAST_DATE, LAST_DATE))
  );
}

/** No option may be longer: others would wait out whatever a hand has written. */
const LONGEST_DURATION = 2 ** 31 - 1;
/** Beyond it there is no `Date`. */
const LAST_DATE = 8.64e15;

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function isText(value: unknown, or?: null): boolean {
  return typeof value === 'string' || value === or;
}
