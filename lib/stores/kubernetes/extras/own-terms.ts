import type { LeaseRecord } from '../../../election/lease-record.js';
import type { Snapshot } from '../../../election/lease-store.js';
import type { LeaseObject } from '../lease-object.js';

/** A term that was won through this handle. */
export interface OwnTerm {
  readonly holder: string;
  readonly term: string | null;
  /** The lease as it was when the term began. */
  readonly lease: LeaseObject;
}

/** Told of each own term, `ended` once after each `began`. Must neither throw nor take time. */
export interface TermWitness {
  began(term: OwnTerm): void;
  ended(term: OwnTerm): void;
}

/**
 * Which terms are ours, told from the writes that were applied. The election decides who leads; this only serves what people see
 * (events, labels), and may lag behind it.
 */
export class OwnTerms {
  private current: OwnTerm | null = null;
  private token = 0n;

  constructor(private readonly witnesses: readonly TermWitness[]) {}

  /** `record` as it was meant: its term may not have survived the way into the store. */
  wrote(lease: LeaseObject, { holder, term }: LeaseRecord, token: bigint): void {
    this.token = token;
    if (this.current && (this.current.holder !== holder || this.current.term !== term)) this.end();
    if (holder === null || this.current) return;
    this.current = { holder, term, lease };
    for (const witness of this.witnesses) witness.began(this.current);
  }

  /**
   * A lost term ends here: somebody else's name, or none, in a state newer than our last write. `isCurrent`: that it certainly is,
   * whatever its token, which is lower after a restore of etcd.
   */
  saw({ lease, token }: Snapshot, isCurrent = false): void {
    if (this.current && (isCurrent || token >= this.token) && lease?.record.holder !== this.current.holder) this.end();
  }

  end(): void {
    const { current } = this;
    this.current = null;
    if (current) for (const witness of this.witnesses) witness.ended(current);
  }
}
