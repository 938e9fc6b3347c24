import type { Outcome } from './history.js';
import { PROMISES } from './judge/judge.js';

/** One line per broken promise: seed, promise, what happened, and how to see it again. */
export function tell({ seed, breach }: Outcome): string {
  if (!breach) return `seed ${seed}: every promise kept`;
  const when = `${(breach.at / 1000).toFixed(3)} s`;
  return `seed ${seed} at ${when}: ${breach.promise} (${PROMISES[breach.promise]}): ${breach.what}\n  npm run test:sim -- --seed ${seed}`;
}
