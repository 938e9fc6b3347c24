import type { Clock } from './clock.js';
import type { Lease } from './lease.js';
import { released } from './records.js';
import type { Timings } from './timings.js';

/**
 * Lets go of the lease on behalf of the term `id`, and only of that: client-go, stopped after a freeze, blanks its successor's lease.
 * Conflicts and unknown outcomes are retried within one request timeout; what still fails is left to expire.
 * `mustRead`: whether the lease is that term's is not known yet.
 */
export async function release(
  lease: Lease,
  id: string,
  { clock, timings }: { clock: Clock; timings: Timings },
  pause: (until: number) => Promise<void>,
  mustRead = false,
): Promise<void> {
  const until = clock.now() + lease.patience;
  const breath = timings.retryPeriod / 20;
  for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
    if (mustRead) {
      const answer = await lease.read(left);
      if (typeof answer === 'object') {
        await pause(clock.now() + Math.max(answer.retryAfter, breath));
        continue;
      }
    }
    const record = lease.latest!.lease?.record;
    if (record === undefined || record.holder !== lease.rules.identity || record.term !== id) {
      return;
    }
    const attempt = lease.attempt((writeId) => released(lease.rules, record, writeId, clock.wall()));
    const outcome = await lease.write(attempt, until - clock.now());
    if (outcome.kind === 'applied') {
      return;
    }
    if (outcome.kind === 'rejected') {
      await pause(clock.now() + Math.max(outcome.retryAfter ?? 0, breath));
    }
    mustRead = true;
  }
}
