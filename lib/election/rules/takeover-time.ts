import { isSameWrite, type LeaseRecord } from '../lease-record.js';
import type { Snapshot } from '../lease-store.js';

/**
 * Who may lead, until when: the standby's half (the leader's is `leader-validity.ts`). Tells from which monotonic instant on the lease
 * may be taken over. Every doubt waits: for the longest duration that the holder has claimed, from when its last sign was *seen*.
 */
export interface TakeoverRules {
  readonly identity: string;
  /** Used where a record does not say how long its holder trusts itself. */
  readonly leaseDuration: number;
  /** Added for holders that are not ours: client-go leads on for a response delay after its deadline. */
  readonly takeoverGrace: number;
}

export class TakeoverTime {
  /** From here on the lease may be taken; `-Infinity`: at once. */
  private freeAt = Number.POSITIVE_INFINITY;
  private record: LeaseRecord | null = null;
  /** The last record that named a holder: what an empty or deleted lease is waited out for. */
  private lastHolder: LeaseRecord | null = null;
  private holderDuration = 0;
  /** What its latest renewal said by itself. */
  private stated = 0;
  private absent = false;
  private uid: string | null = null;
  /** The last holder that was seen to be a replica of ours. */
  private ours: string | null = null;
  /** When the term of the present holder was first seen. */
  private termSeenAt = Number.NEGATIVE_INFINITY;
  /** A term whose process is proven dead. */
  private crashedTerm: string | null = null;
  /** When a hint last showed a sign of life of the holder, and its token: believed until a read can tell. */
  private hintedAt = Number.NEGATIVE_INFINITY;
  private hintedToken = 0n;

  constructor(private readonly rules: TakeoverRules) {}

  get openFrom(): number {
    return Math.max(this.freeAt, this.hintedUntil);
  }

  /** Only hints keep it from being open by then: a read has to tell whether they were true. */
  get isHeldByHints(): boolean {
    return this.hintedUntil > this.freeAt;
  }

  /** The longest for which somebody may trust what has been seen so far. */
  get longestDuration(): number {
    return Math.max(this.rules.leaseDuration, this.holderDuration);
  }

  private get hintedUntil(): number {
    return this.hintedAt + this.holderDuration + this.grace(this.lastHolder);
  }

  /** A hint shows that the holder is alive. Anybody may have sent it. */
  hint(now: number, token: bigint): void {
    this.hintedAt = now;
    this.hintedToken = token;
  }

  /** A read, sent at `sentAt`, showed `token`: it has told what hints before it, or of an earlier state, were worth. */
  settleHints(sentAt: number, token: bigint): void {
    if (this.hintedAt <= sentAt || this.hintedToken <= token) this.forgetHints();
  }

  forgetHints(): void {
    this.hintedAt = Number.NEGATIVE_INFINITY;
  }

  /** The lease names this very replica, which does not lead: an earlier write of ours landed late. Nobody else will race for it. */
  get isOwn(): boolean {
    return this.record?.holder === this.rules.identity;
  }

  get lastHeld(): LeaseRecord | null {
    return this.lastHolder;
  }

  /** The holder of the lease as last seen is proven dead. */
  holderIsGone(): void {
    this.freeAt = Number.NEGATIVE_INFINITY;
    this.forgetHints();
  }

  /**
   * The process of the present term is proven dead. Work that kills whoever leads would take down every replica within a second, one
   * after the other: a term that has been seen for less than a lease duration keeps its lease for so long.
   */
  holderHasCrashed(): void {
    this.crashedTerm = this.record?.term ?? null;
    this.freeAt = Math.min(this.freeAt, this.crashedFrom);
    this.forgetHints();
  }

  private get crashedFrom(): number {
    return this.termSeenAt + this.holderDuration;
  }

  /**
   * Takes in a state that was current no later than `now`; the write that it shows was sent no later than `writtenBy`.
   * Returns whether it says something new: a metadata edit does not.
   */
  see(snapshot: Snapshot, now: number, writtenBy = now): boolean {
    if (snapshot.lease === null) return this.seeAbsent(now);
    const { record, age, uid } = snapshot.lease;
    if (record.term !== this.record?.term || record.holder !== this.record.holder) this.termSeenAt = now;
    const replaced = this.uid !== null && this.uid !== uid;
    this.uid = uid;
    this.absent = false;
    if (record.writeId !== null && record.holder !== null) this.ours = record.holder;
    if (replaced) return this.seeReplaced(record, now);
    return record.holder === null
      ? this.seeEmptied(record, now)
      : this.seeHeld(record, record.holder, Math.min(writtenBy, now - Math.max(0, age ?? 0)));
  }

  /**
   * Another lease under the old name: made anew, or by a failover that may have lost writes. Somebody may believe on the strength of one
   * that is gone, whatever this one says, a release and a record of our own included.
   */
  private seeReplaced(record: LeaseRecord, now: number): boolean {
    this.record = record;
    if (record.holder !== null) {
      this.lastHolder = record;
      // What a holder of the lease before it stated says nothing about this one.
      this.stated = record.duration || this.rules.leaseDuration;
      this.holderDuration = Math.max(this.holderDuration, this.stated);
    }
    this.freeAt = now + this.timeToWaitOut(record);
    return true;
  }

  private seeHeld(record: LeaseRecord, holder: string, lastSign: number): boolean {
    const before = this.record;
    const stated = record.duration > 0 ? record.duration : this.rules.leaseDuration;
    const renewed = before === null || !isSameWrite(before, record);
    // An edit under an unchanged renewal, of the duration or of the holder's name, does not shorten what the holder trusts: whoever takes
    // a lease renews it. Nor does an edit before this renewal was seen: then the same holder's renewal before it tells.
    const isSameSign = before !== null && before.renewedAt === record.renewedAt;
    const trusted = isSameSign ? this.holderDuration : this.lastHolder?.holder === holder ? this.stated : 0;
    const claimed = Math.max(stated, trusted);
    this.record = this.lastHolder = record;
    const lengthened = !renewed && claimed > this.holderDuration;
    if (renewed || lengthened) {
      const seen = renewed ? lastSign : this.freeAt - this.grace(before) - this.holderDuration;
      this.holderDuration = claimed;
      this.stated = stated;
      // Our own record outside a term is an earlier write that landed late: no believer stands behind it.
      this.freeAt = holder === this.rules.identity ? Number.NEGATIVE_INFINITY : seen + claimed + this.grace(record);
      // What it had sent before it died arrives late, and says nothing of its life.
      if (record.term !== null && record.term === this.crashedTerm)
        this.freeAt = Math.min(this.freeAt, this.crashedFrom);
    }
    return renewed;
  }

  private seeEmptied(record: LeaseRecord, now: number): boolean {
    const before = this.record;
    if (before !== null && isSameWrite(before, record)) return false;
    this.record = record;
    this.freeAt =
      this.isGenuineRelease(record) || this.isBlankedOwn(record)
        ? Number.NEGATIVE_INFINITY
        : now + this.timeToWaitOut(record);
    return true;
  }

  private seeAbsent(now: number): boolean {
    if (this.absent) return false;
    this.absent = true;
    this.record = null;
    // Somebody deleted it under its holder, who may believe on: wait it out. A first install has nobody to wait for.
    const { lastHolder } = this;
    this.freeAt =
      lastHolder === null || lastHolder.holder === this.rules.identity
        ? Number.NEGATIVE_INFINITY
        : now + this.holderDuration + this.grace(lastHolder);
    return true;
  }

  /**
   * Nobody holds it: by its holder's own release, or because a third party blanked it under a holder that believes on.
   * Ours carry the mark of the term. client-go's release has a shape (one second, both times equal), trusted only after a foreign
   * holder: client-go itself writes it over others' leases when it is stopped after a freeze.
   */
  private isGenuineRelease(record: LeaseRecord): boolean {
    if (record.term !== null) return true;
    if (record.renewedAt === null && this.lastHolder === null) return true;
    const clientGoShape =
      record.duration === 1000 && record.renewedAt !== null && record.renewedAt === record.acquiredAt;
    // The count tells that nobody has held it since: client-go keeps it on a release, and every change of holder adds one.
    const { lastHolder } = this;
    return (
      clientGoShape &&
      lastHolder !== null &&
      this.isForeign(lastHolder) &&
      lastHolder.transitions === record.transitions
    );
  }

  /** Blanked under ourselves, and nobody in between: every change of holder counts one up. We know that we do not believe. */
  private isBlankedOwn(record: LeaseRecord): boolean {
    return this.lastHolder?.holder === this.rules.identity && this.lastHolder.transitions === record.transitions;
  }

  private timeToWaitOut(blank: LeaseRecord): number {
    return this.lastHolder === null
      ? Math.max(blank.duration, this.rules.leaseDuration) + this.rules.takeoverGrace
      : // What was blanked may have been held for longer, by somebody that was never seen here.
        Math.max(blank.duration, this.holderDuration) + this.grace(this.lastHolder);
  }

  private grace(record: LeaseRecord | null): number {
    return record !== null && this.isForeign(record) ? this.rules.takeoverGrace : 0;
  }

  /** Something else than a replica of ours, as far as was ever seen of it: client-go leads on after its lease has ended. */
  private isForeign(record: LeaseRecord): boolean {
    return record.writeId === null && record.holder !== this.ours;
  }
}
