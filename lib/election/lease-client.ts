import { checkOutcome, checkSnapshot, pauseAskedFor } from './answers.js';
import type { Clock } from './clock.js';
import { withDeadline, type GiveUp } from './deadline.js';
import { LeaseStoreError, isLeaderElectionError } from './errors.js';
import type { LeaseRecord } from './lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from './lease-store.js';
import { RequestTimeout } from './request-timeout.js';
import type { Timings } from './timings.js';
import type { Trouble } from './trouble.js';

/** A request that brought nothing. `retryAfter`: milliseconds for which the store asked to be left alone. */
export interface Failure {
  readonly kind: 'failed';
  readonly retryAfter: number;
  /** Given up by ourselves: says nothing about the store. */
  readonly interrupted: boolean;
}

/** The lease store as the election uses it: bounded in time, never throwing, its answers checked, its failures told. */
export class LeaseClient {
  readonly timeout: RequestTimeout;
  /** A store that asks to be left alone for an hour must not leave the lease without a holder for an hour. */
  private readonly longestPause: number;
  /** Of the read or probe under way. */
  private giveUp: GiveUp | null = null;
  private readonly interruptible = (giveUp: GiveUp) => void (this.giveUp = giveUp);

  constructor(
    private readonly handle: LeaseHandle,
    private readonly clock: Clock,
    timings: Timings,
    private readonly trouble: Trouble,
    private readonly contact: () => void,
  ) {
    this.timeout = new RequestTimeout(timings.requestTimeout, timings.renewDeadline);
    this.longestPause = timings.leaseDuration;
  }

  async read(limit = Number.POSITIVE_INFINITY): Promise<Snapshot | Failure> {
    try {
      const snapshot = await this.timed(limit, (signal) => this.handle.read(signal), this.interruptible);
      checkSnapshot(snapshot);
      this.succeeded();
      return snapshot;
    } catch (cause) {
      return this.failed(cause);
    } finally {
      this.giveUp = null;
    }
  }

  /** A write is never interrupted: whether it landed must be known. */
  async write(seen: Snapshot, record: LeaseRecord, limit = Number.POSITIVE_INFINITY): Promise<WriteOutcome> {
    let outcome: WriteOutcome;
    try {
      outcome = await this.timed(limit, (signal) => this.handle.replace(seen, record, signal));
      checkOutcome(outcome, seen);
    } catch (cause) {
      outcome = { kind: 'unknown', cause };
    }
    if (outcome.kind === 'rejected') {
      outcome = { ...outcome, retryAfter: pauseAskedFor(outcome, this.longestPause) };
    }
    if (outcome.kind === 'rejected' || outcome.kind === 'unknown') {
      this.failed(outcome.cause);
    } else {
      this.succeeded();
    }
    return outcome;
  }

  async isHolderGone(seen: Snapshot): Promise<boolean> {
    try {
      const gone = await withDeadline(
        this.clock,
        this.timeout.current,
        (signal) => this.handle.isHolderGone!(seen, signal),
        this.interruptible,
      );
      return gone === true;
    } catch (cause) {
      this.failed(cause);
      return false;
    } finally {
      this.giveUp = null;
    }
  }

  /** Gives up a read or probe under way: its answer matters no more. */
  interrupt(): void {
    this.giveUp?.(INTERRUPTED);
  }

  private async timed<T>(
    limit: number,
    call: (signal: AbortSignal) => Promise<T>,
    begun?: (giveUp: GiveUp) => void,
  ): Promise<T> {
    const sent = this.clock.now();
    const bound = this.timeout.within(limit);
    const isCutShort = bound < this.timeout.current;
    try {
      const answer = await withDeadline(this.clock, bound, call, begun);
      this.timeout.answeredIn(this.clock.now() - sent);
      return answer;
    } catch (error) {
      // A bound that the term's end cut short says nothing about the store.
      if (isLeaderElectionError(error) && error.code === 'STORE_TIMEOUT' && !isCutShort) {
        this.timeout.timedOut();
      }
      throw error;
    }
  }

  /** Refusals are no contact: a store that nobody reaches, or that serves nobody, rejects as well. */
  private succeeded(): void {
    this.trouble.succeeded();
    this.contact();
  }

  private failed(cause: unknown): Failure {
    if (cause !== INTERRUPTED) {
      this.trouble.failed(cause);
    }
    return { kind: 'failed', retryAfter: pauseAskedFor(cause, this.longestPause), interrupted: cause === INTERRUPTED };
  }
}

const INTERRUPTED = new LeaseStoreError('STORE_FAILED', 'The election is stopping.');
