import { uptime } from 'node:os';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { StoredLease } from '../../election/lease-store.js';
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
  /** Boot clock of the writer's place just before it wrote, milliseconds. */
  readonly writtenAt: number;
}

/** The boot clock advances in steps of this many milliseconds where it comes from /proc/uptime. */
const UPTIME_STEP = 10;

export function bootClock(): number {
  return uptime() * 1_000;
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
  // Another place has another boot clock (a reboot, a container with an uptime of its own).
  if (!self || self.place !== file.writer?.place) return lease;
  return { ...lease, age: Math.max(0, bootClock() - file.writtenAt - UPTIME_STEP) };
}

function isLeaseFile(file: LeaseFile): boolean {
  const { uid, nonce, record, writer, writtenAt } = file;
  return (
    isText(uid) &&
    isText(nonce) &&
    Number.isFinite(writtenAt) &&
    (writer === null ||
      (Number.isInteger(writer?.pid) && writer.pid > 0 && isText(writer.startTime) && isText(writer.place))) &&
    typeof record === 'object' &&
    record !== null &&
    isText(record.holder, null) &&
    isText(record.term, null) &&
    isText(record.writeId, null) &&
    Number.isFinite(record.duration) &&
    Number.isFinite(record.transitions) &&
    [record.acquiredAt, record.renewedAt].every((time) => time === null || Number.isFinite(time))
  );
}

function isText(value: unknown, or?: null): boolean {
  return typeof value === 'string' || value === or;
}
