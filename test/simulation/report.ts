import type { Outcome } from './history.js';
import { PROMISES } from './judge/promises.js';
import type { Profile } from './profiles.js';

/** One line per broken promise: seed, promise, what happened, and how to see it again. */
export function tell({ seed, breach }: Outcome, profile: Profile = 'swarm'): string {
  if (!breach) return `seed ${seed}: every promise kept`;
  const when = `${(breach.at / 1000).toFixed(3)} s`;
  const again = `npm run test:sim -- --seed ${seed}${profile === 'swarm' ? '' : ` --profile ${profile}`}`;
  return `seed ${seed} at ${when}: ${breach.promise} (${PROMISES[breach.promise]}): ${breach.what}\n  ${again}`;
}
