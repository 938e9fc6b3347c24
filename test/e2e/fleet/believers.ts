import type { ReplicaLine } from './replica-lines.js';

/** A stretch of time throughout which a replica answered that it led, in one term. */
export interface Belief {
  replica: string;
  token: string;
  /** The first true answer was certainly given by then… */
  from: number;
  /** …and the last one certainly not before. */
  to: number;
}

/** The terms of a replica as its samples show them. */
export function beliefs(replica: string, lines: readonly ReplicaLine[]): Belief[] {
  const terms = new Map<string, Belief>();
  for (const line of lines) {
    if (line.kind !== 'sample' || !line.leader) continue;
    const token = line.token ?? '?';
    const term = terms.get(token);
    if (!term) terms.set(token, { replica, token, from: line.until, to: line.t });
    else term.to = line.t;
  }
  return [...terms.values()];
}

export interface Overlap {
  a: Belief;
  b: Belief;
  milliseconds: number;
}

/**
 * Every stretch in which two replicas believed to lead. A term is one stretch from its first to its last true answer,
 * so a replica that was paused and answers true once more on waking covers all of its pause.
 */
export function overlaps(all: readonly Belief[]): Overlap[] {
  const found: Overlap[] = [];
  for (const [i, a] of all.entries()) {
    for (const b of all.slice(i + 1)) {
      const milliseconds = Math.min(a.to, b.to) - Math.max(a.from, b.from);
      if (a.replica !== b.replica && milliseconds >= 0) found.push({ a, b, milliseconds });
    }
  }
  return found;
}
