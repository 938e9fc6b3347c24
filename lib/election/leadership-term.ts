/** One uninterrupted stretch of leadership of one replica. Losing and regaining the lease gives a new one. */
export interface LeadershipTerm {
  /** Greater than that of every earlier term of this lease, on any replica. Send it with every write. Always below 2^63. */
  readonly fencingToken: bigint;
  /** When its first write was confirmed, by this machine's wall clock: for people. */
  readonly startedAt: Date;
  /** Aborts when the term is over, or when the replica begins to drain. Its reason is a {@link LossReason}. */
  readonly signal: AbortSignal;
  /** Whether work of this term may still act, by the clocks at this moment. Stays true through a drain. */
  isValid(): boolean;
  /** Milliseconds for which `isValid()` stays true if no renewal succeeds any more; 0 when it is not. */
  remaining(): number;
  /** JSON-safe: the token as a decimal string. */
  toJSON(): { fencingToken: string; startedAt: string; remaining: number };
}

/** Why a term ended. */
export type LossReason = 'expired' | 'superseded' | 'deleted' | 'stepped-down' | 'stopped';
