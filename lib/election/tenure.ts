import type { LossReason } from './leadership-term.js';
import type { Attempt } from './lease.js';
import type { LeaseRecord } from './lease-record.js';
import type { Snapshot, StoredLease } from './lease-store.js';
import type { Term } from './term.js';
import type { Validity } from './validity.js';

/** `draining`: leads no more, but renews until its last work is done. `releasing`: done, the lease is to be let go. */
export type TenurePhase = 'leading' | 'draining' | 'releasing';

/** What a snapshot means to the one who holds the lease. */
export type Verdict = 'confirmed' | 'edited' | Extract<LossReason, 'superseded' | 'deleted'>;

/** The lease as this replica holds it: from the confirmed write that began the term to its loss or release. */
export class Tenure {
  phase: TenurePhase = 'leading';
  /** Monotonic instant at which the next renewal is due. */
  renewAt: number;
  /** Wall clock at the sending of the last confirmed write, for people. */
  lastConfirmedWall: number;
  /** In the order in which they were sent. */
  private attempts: Attempt[] = [];

  constructor(
    readonly term: Term,
    readonly validity: Validity,
    readonly id: string,
    private lease: StoredLease,
    private readonly renewInterval: number,
    began: Attempt,
  ) {
    this.renewAt = began.sent.mono + renewInterval;
    this.lastConfirmedWall = began.sent.wall;
  }

  /** Remembered until a later write is confirmed: until then it may turn out to have landed, even if it was refused (a proxy may have sent it twice). */
  attempted(attempt: Attempt): void {
    this.attempts.push(attempt);
  }

  /** The record that the next write must outdo: the latest of ours that may be seen by others. */
  get lastSent(): LeaseRecord {
    return this.attempts.at(-1)?.record ?? this.lease.record;
  }

  judge(snapshot: Snapshot, now: number): Verdict {
    const { lease } = snapshot;
    if (lease === null) {
      return 'deleted';
    }
    // Ours counts under a new uid too: a store that failed over and kept our last write has let nobody in.
    if (lease.record.writeId !== null && lease.record.writeId === this.lease.record.writeId) {
      // A replica that joins now would believe a shortened duration: written right at once. Labels beside our record can wait.
      if (lease.record.duration < this.lease.record.duration) {
        this.renewAt = now;
      }
      // The next renewal is conditional on the new version.
      this.lease = lease;
      return 'edited';
    }
    const landed = this.attempts.findIndex((attempt) => attempt.writeId === lease.record.writeId);
    if (landed >= 0) {
      return this.confirmed(landed, lease, now);
    }
    return lease.uid === this.lease.uid ? 'superseded' : 'deleted';
  }

  private confirmed(index: number, lease: StoredLease, now: number): Verdict {
    const attempt = this.attempts[index]!;
    this.lease = lease;
    this.validity.confirm(attempt.sent);
    this.lastConfirmedWall = attempt.sent.wall;
    this.renewAt = Math.max(now, attempt.sent.mono + this.renewInterval);
    // Earlier attempts were conditional on a version that is gone: they can land no more.
    this.attempts = this.attempts.slice(index + 1);
    return 'confirmed';
  }
}
