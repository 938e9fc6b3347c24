import type { LeadershipTerm } from '../election/index.js';

/** Carries the token as a decimal string: it does not fit into a JavaScript number. */
export const FENCING_TOKEN_HEADER = 'Fencing-Token';

/**
 * The header that says by which term a request is made.
 *
 * Pass the term that admitted the work, not the current one: work that outlives its term must be known by its own, old
 * token, or the receiver takes it for its successor's.
 */
export function fencingHeaders(term: Pick<LeadershipTerm, 'fencingToken'>): Record<string, string> {
  return { [FENCING_TOKEN_HEADER]: term.fencingToken.toString() };
}

/** The token that a header says; `null` if it says none that a term can have. */
export function parseFencingToken(value: unknown): bigint | null {
  if (typeof value !== 'string' || !/^\d{1,19}$/.test(value)) return null;
  const token = BigInt(value);
  return token < 2n ** 63n ? token : null;
}
