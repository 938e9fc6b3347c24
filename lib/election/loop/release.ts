import type { Clock } from '../clock/clock.js';
import type { Attempt, LeaseClient } from '../lease/lease-client.js';
import { isOwnWrite, type LeaseRecord } from '../lease-record.js';
import { released } from '../lease/next-record.js';
import type { HeldLease } from './held-lease.js';
import type { Timings } from '../rules/timings.js';

/**
 * Lets go of the lease on behalf of one term, and only of that: client-go, stopped after a freeze, blanks its successor's lease.
 * Conflicts and unknown outcomes are retried within one request timeout. What still fails is left to expire.
 *
 * `unconfirmed`, in place of a held lease, is a claim of ours that was never confirmed: it is waited for while it may still land. What an
 * expired term of ours has left is not touched: its work may still run.
 */
export async function release(
  lease: LeaseClient,
  holding: { readonly held: HeldLease } | { readonly unconfirmed: Attempt },
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
  const unconfirmed = 'unconfirmed' in holding ? holding.unconfirmed : null;
  const term = 'unconfirmed' in holding ? holding.unconfirmed.record.term : holding.held.termId;
  const isOfThisTerm = (record: LeaseRecord) =>
    'unconfirmed' in holding ? isOwnWrite(record, holding.unconfirmed.record) : holding.held.wrote(record);
  let mustRead = unconfirmed !== null;
  // What the ledger says of the drain is worth less than the release: one that is refused for it goes without.
  let isPlain = false;
  let failures = 0;
  for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
    const answer = mustRead ? await lease.read(left) : 'known';
    if (typeof answer === 'object') {
      await rest(answer.retryAfter);
      continue;
    }
    const stored = lease.latest!.lease;
    const record = stored?.record;
    if (record?.holder !== lease.rules.identity || !isOfThisTerm(record)) {
      const mayStillLand = unconfirmed !== null && stored?.version === unconfirmed.seen.lease?.version;
      if (!mayStillLand) return;
      await rest();
      continue;
    }
    const ledger: string | undefined =
      'held' in holding && !isPlain ? holding.held.ledger.ofRelease(record.ledger) : record.ledger;
    const attempt = lease.attempt((writeId) =>
      released(lease.rules, { ...record, term }, writeId, clock.wall(), ledger),
    );
    const outcome = await lease.write(attempt, until - clock.now());
    if (outcome.kind === 'applied') return;
    // A conflict says nothing about the ledger: somebody, perhaps an earlier write of ours, was faster.
    if (outcome.kind !== 'conflict') failures += 1;
    isPlain = ledger !== record.ledger && (outcome.kind === 'rejected' || failures > 1);
    await rest(outcome.kind === 'rejected' ? outcome.retryAfter : 0);
    mustRead = true;
  }
}
