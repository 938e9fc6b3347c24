import type { LeaseRecord } from './lease-record.js';
import type { Snapshot } from './lease-store.js';

/**
 * Who may lead, until when: the standby's half (the leader's is `validity.ts`). Tells from which monotonic instant on the lease
 * may be taken over. Every doubt waits: for the longest duration that the holder has claimed, from when its last sign was *seen*.
 */
export interface VacancyRules {
  readonly identity: string;
  /** Used where a record does not say how long its holder trusts itself. */
  readonly leaseDuration: number;
  /** Added for holders that are not ours: client-go leads on for a response delay after its deadline. */
  readonly takeoverGrace: number;
}

export class Vacancy {
  /** From here on the lease may be taken; `-Infinity`: at once. */
  private freeAt = Number.POSITIVE_INFINITY;
  private record: LeaseRecord | null = null;
  /** The last record that named a holder: what an empty or deleted lease is waited out for. */
  private incumbent: LeaseRecord | null = null;
  private incumbentDuration = 0;
  /** What its latest renewal said by itself. */
  private stated = 0;
  private absent = false;
  private uid: string | null = null;

  constructor(private readonly rules: VacancyRules) {}

  get openFrom(): number {
    return this.freeAt;
  }

  /** The lease names this very replica, which does not lead: an earlier write of ours landed late. Nobody else will race for it. */
  get isOwn(): boolean {
    return this.record?.holder === this.rules.identity;
  }

  get lastHeld(): LeaseRecord | null {
    return this.incumbent;
  }

  /** The holder of the lease as last seen is proven dead. */
  holderIsGone(): void {
    this.freeAt = Number.NEGATIVE_INFINITY;
  }

  /** Takes in a state that was current no later than `now`. Returns whether it says something new: a metadata edit does not. */
  see(snapshot: Snapshot, now: number): boolean {
    if (snapshot.lease === null) {
      return this.seeAbsent(now);
    }
    const { record, age, uid } = snapshot.lease;
    const replaced = this.uid !== null && this.uid !== uid;
    this.uid = uid;
    this.absent = false;
    if (replaced) {
      return this.seeReplaced(record, now);
    }
    return record.holder === null
      ? this.seeVacated(record, now)
      : this.seeHeld(record, record.holder, now - Math.max(0, age ?? 0));
  }

  /**
   * Another lease under the old name: made anew, or by a failover that may have lost writes. Somebody may believe on the strength of one
   * that is gone, whatever this one says, a release and a record of our own included.
   */
  private seeReplaced(record: LeaseRecord, now: number): boolean {
    this.record = record;
    if (record.holder !== null) {
      this.incumbent = record;
      this.incumbentDuration = Math.max(this.incumbentDuration, record.duration || this.rules.leaseDuration);
    }
    this.freeAt = now + this.timeToWaitOut(record);
    return true;
  }

  private seeHeld(record: LeaseRecord, holder: string, lastSign: number): boolean {
    const before = this.record;
    const stated = record.duration > 0 ? record.duration : this.rules.leaseDuration;
    const renewed = before === null || !sameWrite(before, record);
    // A duration that somebody shortened under an unchanged renewal does not shorten what the holder trusts; nor where it was shortened
    // before this renewal was seen: then the same holder's renewal before it tells.
    const isSameSign = before?.holder === holder && before.renewedAt === record.renewedAt;
    const trusted = isSameSign ? this.incumbentDuration : this.incumbent?.holder === holder ? this.stated : 0;
    const claimed = Math.max(stated, trusted);
    this.record = this.incumbent = record;
    const lengthened = !renewed && claimed > this.incumbentDuration;
    if (renewed || lengthened) {
      const seen = renewed ? lastSign : this.freeAt - this.grace(before) - this.incumbentDuration;
      this.incumbentDuration = claimed;
      this.stated = stated;
      // Our own record outside a term is an earlier write that landed late: no believer stands behind it.
      this.freeAt = holder === this.rules.identity ? Number.NEGATIVE_INFINITY : seen + claimed + this.grace(record);
    }
    return renewed;
  }

  private seeVacated(record: LeaseRecord, now: number): boolean {
    const before = this.record;
    if (before !== null && sameWrite(before, record)) {
      return false;
    }
    this.record = record;
    this.freeAt =
      this.isGenuineRelease(record) || this.isBlankedOwn(record)
        ? Number.NEGATIVE_INFINITY
        : now + this.timeToWaitOut(record);
    return true;
  }

  private seeAbsent(now: number): boolean {
    if (this.absent) {
      return false;
    }
    this.absent = true;
    this.record = null;
    // Somebody deleted it under its holder, who may believe on: wait it out. A first install has nobody to wait for.
    const { incumbent } = this;
    this.freeAt =
      incumbent === null || incumbent.holder === this.rules.identity
        ? Number.NEGATIVE_INFINITY
        : now + this.incumbentDuration + this.grace(incumbent);
    return true;
  }

  /**
   * Nobody holds it: by its holder's own release, or because a third party blanked it under a holder that believes on.
   * Ours carry the mark of the term. client-go's release has a shape (one second, both times equal), trusted only after a foreign
   * holder: client-go itself writes it over others' leases when it is stopped after a freeze.
   */
  private isGenuineRelease(record: LeaseRecord): boolean {
    if (record.term !== null) {
      return true;
    }
    if (record.renewedAt === null && this.incumbent === null) {
      return true;
    }
    const clientGoShape =
      record.duration === 1000 && record.renewedAt !== null && record.renewedAt === record.acquiredAt;
    // The count tells that nobody has held it since: client-go keeps it on a release, and every change of holder adds one.
    const { incumbent } = this;
    return clientGoShape && incumbent !== null && isForeign(incumbent) && incumbent.transitions === record.transitions;
  }

  /** Blanked under ourselves, and nobody in between: every change of holder counts one up. We know that we do not believe. */
  private isBlankedOwn(record: LeaseRecord): boolean {
    return this.incumbent?.holder === this.rules.identity && this.incumbent.transitions === record.transitions;
  }

  private timeToWaitOut(blank: LeaseRecord): number {
    return this.incumbent === null
      ? Math.max(blank.duration, this.rules.leaseDuration) + this.rules.takeoverGrace
      : this.incumbentDuration + this.grace(this.incumbent);
  }

  private grace(record: LeaseRecord | null): number {
    return record !== null && isForeign(record) ? this.rules.takeoverGrace : 0;
  }
}

function isForeign(record: LeaseRecord): boolean {
  return record.writeId === null;
}

/** Whether two records come from one write. Durations are left out: a patch of them alone is no sign of life. */
function sameWrite(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.writeId === b.writeId &&
    a.holder === b.holder &&
    a.renewedAt === b.renewedAt &&
    a.acquiredAt === b.acquiredAt &&
    a.transitions === b.transitions
  );
}
