import type { Clock } from './clock.js';
import type { Attempt, Lease } from './lease.js';
import { released } from './records.js';
import type { Timings } from './timings.js';

/**
 * Lets go of the lease on behalf of the term `id`, and only of that: client-go, stopped after a freeze, blanks its successor's lease.
 * Conflicts and unknown outcomes are retried within one request timeout; what still fails is left to expire.
 * In place of a term's id, a claim of ours that nobody confirmed: it is waited for while it may still land. What a term of ours has left
 * that expired is not touched: its work may still run.
 */
export async function release(
  lease: Lease,
  holding: string | Attempt,
  { clock, timings }: { clock: Clock; timings: Timings },
  pause: (until: number) => Promise<void>,
): Promise<void> {
  const until = clock.now() + lease.patience;
  let breath = timings.retryPeriod / 20;
  // After every failure: a server that answers 503 at once would otherwise be asked thousands of times before the patience ends. Longer
  // each time, but not so long that a claim which lands late is left to expire.
  const rest = async (least = 0): Promise<void> => {
    await pause(Math.min(until, clock.now() + Math.max(least, breath)));
    breath = Math.min(breath * 2, timings.retryPeriod / 4);
  };
  const unconfirmed = typeof holding === 'string' ? null : holding;
  const term = typeof holding === 'string' ? holding : holding.record.term;
  let mustRead = unconfirmed !== null;
  for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
    if (mustRead) {
      const answer = await lease.read(left);
      if (typeof answer === 'object') {
        await rest(answer.retryAfter);
        continue;
      }
    }
    const stored = lease.latest!.lease;
    const record = stored?.record;
    if (record?.holder !== lease.rules.identity || record.term !== term) {
      if (unconfirmed !== null && stored?.version === unconfirmed.seen.lease?.version) {
        await rest();
        continue;
      }
      return;
    }
    const attempt = lease.attempt((writeId) => released(lease.rules, record, writeId, clock.wall()));
    const outcome = await lease.write(attempt, until - clock.now());
    if (outcome.kind === 'applied') {
      return;
    }
    await rest(outcome.kind === 'rejected' ? outcome.retryAfter : 0);
    mustRead = true;
  }
}
