import type { LastRequest } from './exit/exit.js';
import type { LeaseRecord } from './lease-record.js';
import type { ElectionLog } from './report/election-log.js';

/**
 * The seam between the election and whatever keeps the lease. One instance serves many elections.
 * `lib/testing/store-contract` checks an implementation against everything that is written here.
 */
export interface LeaseStore {
  /** How logs and `status()` call it: `kubernetes`, `file`, `postgres`, `memory`. */
  readonly name?: string;
  /** What this process is called where the store is: the default of `identity`. Absent: the host name. */
  readonly processName?: string;
  /**
   * Granularity, in milliseconds, with which the store (or other users of its records) keeps durations and times: 1000 for a
   * Kubernetes Lease. Durations are rounded up to it and every write advances `renewedAt` by at least this much. Default 1.
   */
  readonly resolution?: number;
  /** Names a lease. Does no I/O. `log` is the election's: where a store says what no outcome can carry (a missing right, a label that failed). */
  open(lease: { name: string; namespace?: string }, log?: ElectionLog): LeaseHandle;
  /** Frees what the store holds open (sockets, pools it created itself). Idempotent. */
  close?(): Promise<void>;
}

/** One lease in a store. */
export interface LeaseHandle {
  /** The current state, linearizable. Rejects when it cannot tell; a {@link LeaseStoreError} carries advice and `retryAfter`. */
  read(signal: AbortSignal): Promise<Snapshot>;
  /**
   * Compare-and-swap: writes `record` only if the lease still is what `seen` shows (`seen.lease` null: only if it is absent).
   * Keeps everything else that is stored beside the record, and the ledger where the record brings none. Never deletes. Never rejects: every
   * failure is an outcome.
   */
  replace(seen: Snapshot, record: LeaseRecord, signal: AbortSignal): Promise<WriteOutcome>;
  /**
   * Snapshots as they come, the current one first; may leave out intermediate ones. A hint, never a proof.
   * Throwing or ending means: read again and reopen. Aborting the signal settles a pending `next()` promptly.
   */
  watch?(signal: AbortSignal): AsyncIterable<Snapshot>;
  /**
   * Whether the watch may be believed: everything it shows, a read at some earlier instant would have shown as well. Default false: then
   * it only rings. Anybody who may write to the channel behind such a watch could otherwise forge a release of the lease.
   */
  readonly isWatchVouched?: boolean;
  /** Resolves true only on proof that the process that holds the lease in `seen` is dead. Doubt is false. */
  isHolderGone?(seen: Snapshot, signal: AbortSignal): Promise<boolean>;
  /**
   * Yields `true` as soon as there is proof that the process that holds the lease in `seen` is dead: that very process, not another under
   * its name. Doubt yields nothing. Asked once for each term of another holder, beside everything else: nothing waits for it. Throws or
   * ends where it cannot tell, and then has said why itself; it is asked again at the holder's next renewal.
   */
  watchHolder?(seen: Snapshot, signal: AbortSignal): AsyncIterable<true>;
  /**
   * As `replace`, while the process ends: sends the whole request before it returns, and nothing runs after that but a question for its
   * answer. `null`: nothing was sent. Must neither throw nor wait. Absent: a lease is left to expire when the process exits by itself.
   */
  replaceAtExit?(seen: Snapshot, record: LeaseRecord): LastRequest | null;
  /** Milliseconds between questions to `isHolderGone` where asking is cheap. Absent: asked once per retry period after a missed renewal. */
  readonly holderProbeInterval?: number;
}

/** What a lease, or its absence, looked like at one moment. */
export interface Snapshot {
  /** `null`: it does not exist. */
  readonly lease: StoredLease | null;
  /** Strictly grows over all writes to a lease of this name, deletions included; an absent lease has one too. */
  readonly token: bigint;
  /** The store's own wall clock when it answered, milliseconds since the epoch, where it shows one: what ticks are held against. Who leads never depends on it. */
  readonly storeTime?: number;
}

/** A lease as it is stored: what it says, and how to tell it from what it was or will be. */
export interface StoredLease {
  /** What it says. */
  readonly record: LeaseRecord;
  /** Opaque; differs after every change, also of things beside the record; never recurs. */
  readonly version: string;
  /** Differs between a lease and one that was created after its deletion. */
  readonly uid: string;
  /** Milliseconds since the last write when the answer arrived, by a clock of the store that cannot step. Absent where there is none. */
  readonly age?: number;
}

/** What became of a write. */
export type WriteOutcome =
  /** It is written, and this is what is stored now. */
  | { readonly kind: 'applied'; readonly snapshot: Snapshot }
  /** The lease is no longer what was seen; nothing was written by the attempt that answered. */
  | { readonly kind: 'conflict' }
  /** Certainly nothing was or will be written: refused (401, 403, 422, 429). `retryAfter` in milliseconds. */
  | { readonly kind: 'rejected'; readonly cause: unknown; readonly retryAfter?: number }
  /** Anybody's guess: it may have been written, or may be later (timeout, 5xx, cut connection). */
  | { readonly kind: 'unknown'; readonly cause: unknown };
