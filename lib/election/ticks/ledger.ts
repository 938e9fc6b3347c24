/**
 * What the lease keeps of a job. Only the holder writes it, in the same compare-and-swap as its renewals: so no two replicas can claim one
 * tick, and each new leader finds out what the one before it has begun and done.
 */
export interface JobEntry {
  /** The tick that was claimed last, or the instant from which on the job counts. Nothing at or before it is ever claimed. */
  readonly mark: number;
  /** The tick that was settled last; `null`: none yet. */
  readonly done: number | null;
  /** {@link TickSchedule.id} of whoever wrote this. */
  readonly schedule: string;
  /** Attempts that whoever claimed last allows. */
  readonly attempts: number;
  /** How often the mark was set back, because it was far ahead of every clock. */
  readonly resets: number;
  /** Of the tick at `mark`, while it is open. */
  readonly claim: Claim | null;
  /** Since when no holder has known the job; `null`: the last one did. */
  readonly orphanedAt: number | null;
}

/** A holder has taken a tick upon itself. */
export interface Claim {
  /** The term that did; `null`: it was put back, to be run again. */
  readonly term: string | null;
  /** Attempts so far, this one included. */
  readonly used: number;
}

/** By name of the job. */
export type Ledger = ReadonlyMap<string, JobEntry>;

export const EMPTY_LEDGER: Ledger = new Map();

/** Bytes. An annotation of this size is nothing to a Kubernetes Lease, and a renewal carries it each time. */
export const MOST_LEDGER_BYTES = 16 * 1024;

/** A job that no holder has known for this long gives its room to others. */
const FORGOTTEN_AFTER = 7 * 24 * 3_600_000;

const HEAD = '{"v":1,"jobs":{';
const TAIL = '}}';

/** ASCII, so that characters are bytes and nothing on the way can spell it differently. */
export function encodeLedger(ledger: Ledger): string {
  return HEAD + [...ledger].map(([name, entry]) => encodeEntry(name, entry)).join(',') + TAIL;
}

/** Bytes of the whole. */
export function ledgerBytes(ledger: Ledger): number {
  let bytes = HEAD.length + TAIL.length;
  for (const [name, entry] of ledger) bytes += entryBytes(name, entry);
  return bytes;
}

/** Bytes that an entry adds. */
export function entryBytes(name: string, entry: JobEntry): number {
  return encodeEntry(name, entry).length + 1;
}

/** Room for so many more bytes, if need be that of jobs that no holder has known for a week, the longest first. */
export function makeRoom(ledger: Map<string, JobEntry>, bytes: number, wall: number): boolean {
  const forgotten = [...ledger]
    .filter(([, { orphanedAt }]) => orphanedAt !== null && wall - orphanedAt >= FORGOTTEN_AFTER)
    .toSorted(([, a], [, b]) => a.orphanedAt! - b.orphanedAt!);
  let free = MOST_LEDGER_BYTES - ledgerBytes(ledger) - bytes;
  for (const [name, entry] of forgotten) {
    if (free >= 0) break;
    free += entryBytes(name, entry);
    ledger.delete(name);
  }
  return free >= 0;
}

/** `null`: this is no ledger. What cannot be read in full is not believed in part. */
export function decodeLedger(text: string | undefined): Ledger | null {
  if (text === undefined || text.length > MOST_LEDGER_BYTES) return null;
  try {
    const { v, jobs } = JSON.parse(text) as { v: unknown; jobs: Record<string, unknown> };
    if (v !== 1 || typeof jobs !== 'object' || jobs === null || Array.isArray(jobs)) return null;
    const entries = Object.entries(jobs).map(([name, told]) => [name, decodeEntry(told)] as const);
    return entries.every(isSound) ? new Map(entries) : null;
  } catch {
    // Edited by hand, or somebody else's.
    return null;
  }
}

function isSound(entry: readonly [string, JobEntry | null]): entry is readonly [string, JobEntry] {
  return entry[1] !== null;
}

function encodeEntry(name: string, entry: JobEntry): string {
  const { mark, done, schedule, attempts, resets, claim, orphanedAt } = entry;
  const fields: unknown[] = [mark, done, schedule, attempts, resets];
  if (claim !== null || orphanedAt !== null) fields.push(claim && [claim.used, claim.term]);
  if (orphanedAt !== null) fields.push(orphanedAt);
  return ascii(`${JSON.stringify(name)}:${JSON.stringify(fields)}`);
}

function decodeEntry(told: unknown): JobEntry | null {
  if (!Array.isArray(told)) return null;
  const [mark, done, schedule, attempts, resets, claimed = null, orphanedAt = null] = told as unknown[];
  const claim = claimed === null ? null : decodeClaim(claimed);
  const sound =
    isInstant(mark) &&
    (done === null || isInstant(done)) &&
    typeof schedule === 'string' &&
    isCount(attempts) &&
    attempts > 0 &&
    isCount(resets) &&
    claim !== undefined &&
    (orphanedAt === null || isInstant(orphanedAt));
  return sound ? { mark, done, schedule, attempts, resets, claim, orphanedAt } : null;
}

function decodeClaim(told: unknown): Claim | undefined {
  if (!Array.isArray(told)) return undefined;
  const [used, term] = told as unknown[];
  return isCount(used) && (term === null || typeof term === 'string') ? { used, term } : undefined;
}

/** Beyond it there is no `Date`. */
const LAST_INSTANT = 8.64e15;

function isInstant(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= LAST_INSTANT;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
