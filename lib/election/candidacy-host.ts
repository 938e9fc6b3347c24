import type { LossReason } from './leadership-term.js';
import type { Term } from './term.js';

/** The replica that a candidacy stands for. */
export interface CandidacyHost {
  /** A term has begun: open the gate. */
  began(term: Term): void;
  /** Leads no more. Shuts the gate, aborts and tells before it returns; resolves when the term's work has stopped. */
  ended(term: Term, reason: LossReason): Promise<void>;
  /** A confirmed renewal may have ended the suspension of the term. */
  resumed(term: Term): void;
  holderIs(holder: string | null): void;
  /** The store answered. */
  contact(): void;
  /** Work of an earlier term outlived its drain: this replica may not lead beside it. */
  isHeldBack(): boolean;
  heldBackBy(work: Promise<void>): void;
}
