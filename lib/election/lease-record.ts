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
}
