/** What a lease says: who holds it, for how long, and by which write it came to say so. */
export interface LeaseRecord {
  /** Identity of the holder; `null` when nobody holds it (released, blanked, or never held). */
  readonly holder: string | null;
  /** Milliseconds for which others must keep away after a write. 0: the record does not say. */
  readonly duration: number;
  /** Wall clock of the writer, milliseconds since the epoch (fractions are microseconds). For people and for noticing change, never compared with a local clock. */
  readonly acquiredAt: number | null;
  /** As `acquiredAt`; grows with every write. */
  readonly renewedAt: number | null;
  /** Changes of holder, as client-go counts them. Informative: resets on delete, so never a fencing token. */
  readonly transitions: number;
  /**
   * Identifier of the term that wrote this record, `null` when something that does not know terms wrote it (client-go, kubectl).
   * A record without holder that carries a term is a release by that term itself: the only kind of empty lease that may be taken at once.
   */
  readonly term: string | null;
  /** Drawn anew for every attempt to write, so that a holder tells which of its writes landed. `null` for foreign writers. */
  readonly writeId: string | null;
  /**
   * The account of jobs (`ticks/ledger.ts`), for stores an opaque text of at most 16 KiB of ASCII. Read: absent where the lease has none.
   * Written: absent means that what the lease has stays. It outlives holders, those that do not know of it too.
   */
  readonly ledger?: string;
}

/** Whether two records come from one write. Durations are left out: a patch of them alone is no sign of life. */
export function isSameWrite(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.writeId === b.writeId &&
    a.holder === b.holder &&
    a.renewedAt === b.renewedAt &&
    a.acquiredAt === b.acquiredAt &&
    a.transitions === b.transitions
  );
}

/**
 * Whether `record` is what `written`, a record of our own, became in the store. Something on the way may strip the identifiers that we add
 * to the fields that everybody knows (an admission policy that allows no annotation). Then the holder, which no other process shares, and
 * both times tell; a record with other identifiers is somebody else's work.
 */
export function isOwnWrite(record: LeaseRecord, written: LeaseRecord): boolean {
  if (record.writeId !== null || record.term !== null) return record.writeId === written.writeId;
  return (
    record.holder === written.holder &&
    record.renewedAt === written.renewedAt &&
    record.acquiredAt === written.acquiredAt
  );
}
