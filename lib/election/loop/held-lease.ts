import { unexplainedConflict, type Attempt, type LoopSetup, type LeaseClient } from '../lease/lease-client.js';
import { isOwnWrite, type LeaseRecord } from '../lease-record.js';
import type { Snapshot, StoredLease } from '../lease-store.js';
import { released, renewed } from '../lease/next-record.js';
import type { LeaderValidity } from '../rules/leader-validity.js';
import type { LossReason } from '../leadership-term.js';
import type { TermLedger } from '../ticks/term-ledger.js';
import type { Term } from '../work/term.js';

/** Label edits make renewals conflict. Each is answered with a write at once, but a store that always conflicts is not hammered. */
const CONFLICTS_AT_ONCE = 3;

/** What a holder does next. `until`: monotonic milliseconds. */
export type HolderStep = { do: 'renew' } | { do: 'reread' } | { do: 'wait'; until: number };

/** What a snapshot means to the holder of the lease. */
export type Verdict = 'confirmed' | 'resumed' | 'edited' | Extract<LossReason, 'superseded' | 'deleted'>;

/**
 * The lease as this replica holds it, from the confirmed write that began the term to its loss or release: which writes of ours may
 * stand in it, when the next one is due, and what is made of the answers.
 */
export class HeldLease {
  /** Our last write that is known to stand in the lease. */
  private standing: Attempt;
  /** Those sent after it, in order. Each may yet turn out to have landed, even a refused one: a proxy may have sent it twice. */
  private attempts: Attempt[] = [];
  private renewAt: number;
  /** After a failure: not before this. */
  private retryAt = Number.NEGATIVE_INFINITY;
  /** When to read, since a read has failed: until one succeeds, health tells of a failure. */
  private rereadAt: number;
  private readonly beganAt: number;
  private conflicts = 0;
  /** Our write met a newer version that has not been seen yet. */
  private isOutdated = false;

  constructor(
    readonly term: Term,
    readonly validity: LeaderValidity,
    private readonly lease: LeaseClient,
    private readonly setup: Pick<LoopSetup, 'clock' | 'timings' | 'health'>,
    private stored: StoredLease,
    began: Attempt,
    readonly ledger: TermLedger,
  ) {
    const { renewInterval, leaseDuration } = setup.timings;
    this.standing = began;
    this.beganAt = setup.clock.now();
    this.renewAt = began.sent.mono + renewInterval;
    this.rereadAt = began.sent.mono + leaseDuration;
  }

  /** Wall clock at the sending of the last confirmed write, for people. */
  get confirmedWall(): number {
    return this.standing.sent.wall;
  }

  /** Whether a record is of this term: nobody else has written since. */
  wrote(record: LeaseRecord): boolean {
    return record.term === null
      ? [this.standing, ...this.attempts].some((attempt) => isOwnWrite(record, attempt.record))
      : record.term === this.termId;
  }

  /** The term as records name it. */
  get termId(): string | null {
    return this.standing.record.term;
  }

  /** The ledger that the write which is known to stand has brought. */
  get writtenLedger(): string | undefined {
    return this.standing.record.ledger;
  }

  /**
   * What lets go of it at once, conditional on the state that is known to be ours. `null` while the term is young: work that kills
   * whoever leads would take down one replica after the other within a second.
   */
  lastWrite(): { readonly seen: Snapshot; readonly record: LeaseRecord } | null {
    const { lease, setup, stored } = this;
    if (setup.clock.now() - this.beganAt < setup.timings.leaseDuration) return null;
    const ledger = this.ledger.ofRelease(stored.record.ledger);
    const { record } = lease.attempt((writeId) =>
      released(lease.rules, { ...stored.record, term: this.termId }, writeId, setup.clock.wall(), ledger),
    );
    return { seen: { ...lease.latest!, lease: stored }, record };
  }

  renewNow(): void {
    this.renewAt = this.setup.clock.now();
  }

  next(now: number): HolderStep {
    const ticks = this.ledger.look(now);
    // A claim of ticks is a renewal that is due now.
    const renewAt = Math.min(this.renewAt, ticks.writeAt);
    const writeFrom = Math.max(this.retryAt, this.isOutdated ? Number.NEGATIVE_INFINITY : renewAt);
    if (now >= writeFrom) return { do: this.isOutdated ? 'reread' : 'renew' };
    // A hint says that the lease has changed hands: if it has, the read ends the term.
    const readFrom = Math.min(this.lease.hints.readAt, this.isReadingBroken ? this.rereadAt : Infinity);
    if (now >= readFrom) return { do: 'reread' };
    return { do: 'wait', until: Math.min(writeFrom, readFrom, ticks.lookAt, this.validity.expiresAt) };
  }

  /** Writes the next record. Never outlives the term: an answer after its end would prove nothing. */
  async renew(now: number): Promise<void> {
    const { lease, setup } = this;
    const left = this.validity.expiresAt - now;
    // What others may have seen of ours must be outdone, confirmed or not.
    const last = (this.attempts.at(-1) ?? this.standing).record;
    const ledger = this.ledger.ofRenewal();
    const attempt = lease.attempt((writeId) => renewed(lease.rules, last, writeId, setup.clock.wall(), ledger));
    this.attempts.push(attempt);
    const outcome = await lease.write(attempt, left);
    switch (outcome.kind) {
      case 'applied':
        return;
      case 'conflict':
        this.isOutdated = !lease.hasMovedOn(attempt);
        if (++this.conflicts > CONFLICTS_AT_ONCE) this.retryAt = now + setup.timings.retryPeriod;
        return;
      case 'rejected':
        this.ledger.hasFailed(ledger);
        this.retryAt = Math.max(this.afterFailure(now, left), this.afterPause(outcome.retryAfter ?? 0));
        return;
      case 'unknown':
        this.ledger.hasFailed(ledger);
        this.retryAt = this.afterFailure(now, left);
    }
  }

  /** Reads what our write met, what a hint told of, or whether reads work again. */
  async reread(now: number): Promise<void> {
    const { stored, setup, isOutdated } = this;
    const left = this.validity.expiresAt - now;
    this.rereadAt = now + setup.timings.leaseDuration;
    const answer = await this.lease.read(left);
    if (!isOutdated) return;
    if (typeof answer === 'object') {
      this.retryAt = Math.max(this.afterFailure(now, left), this.afterPause(answer.retryAfter));
    } else if (answer === 'old') {
      this.retryAt = this.afterFailure(now, left);
    } else if (answer === 'same' && this.stored.version === stored.version) {
      setup.health.failed('writing', unexplainedConflict());
      this.ledger.hasFailed(this.attempts.at(-1)?.record.ledger);
    }
  }

  /** What has been seen of the lease may confirm the term, or end it. */
  judge({ lease }: Snapshot, now: number): Verdict {
    this.isOutdated = false;
    if (lease === null) return 'deleted';
    // Ours counts under a new uid too: a store that failed over and kept our last write has let nobody in.
    if (isOwnWrite(lease.record, this.standing.record)) {
      // A replica that joins now would believe a shortened duration: it is corrected at once. Labels beside our record can wait.
      if (lease.record.duration < this.stored.record.duration) this.renewAt = now;
      // The next renewal is conditional on the new version.
      this.stored = lease;
      return 'edited';
    }
    const landed = this.attempts.findIndex((attempt) => isOwnWrite(lease.record, attempt.record));
    if (landed >= 0) return this.confirm(landed, lease, now);
    return lease.uid === this.stored.uid ? 'superseded' : 'deleted';
  }

  private confirm(index: number, lease: StoredLease, now: number): Verdict {
    const attempt = this.attempts[index]!;
    this.stored = lease;
    this.standing = attempt;
    this.conflicts = 0;
    this.renewAt = Math.max(now, attempt.sent.mono + this.setup.timings.renewInterval);
    // Earlier attempts were conditional on a version that is gone: they can no longer land.
    this.attempts = this.attempts.slice(index + 1);
    return this.validity.confirm(attempt.sent) ? 'resumed' : 'confirmed';
  }

  private get isReadingBroken(): boolean {
    return this.setup.health.isFailing('reading');
  }

  /** When to try again after an attempt begun at `now`: closer and closer together towards the end of the term. */
  private afterFailure(now: number, left: number): number {
    const { retryPeriod } = this.setup.timings;
    return now + Math.min(retryPeriod, Math.max(left / 2, retryPeriod / 8));
  }

  /** The store asked for a pause; but a last try that can still be answered in time is worth more to both. */
  private afterPause(retryAfter: number): number {
    const now = this.setup.clock.now();
    return Math.min(now + retryAfter, Math.max(now, this.validity.expiresAt - this.lease.patience));
  }
}
