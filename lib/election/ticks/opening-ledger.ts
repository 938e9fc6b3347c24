import type { Snapshot } from '../lease-store.js';
import {
  decodeLedger,
  EMPTY_LEDGER,
  encodeLedger,
  entryBytes,
  makeRoom,
  type JobEntry,
  type Ledger,
} from './ledger.js';
import { newEntry, settled, survived, takenBack } from './tick-rules.js';
import type { PendingClaim, TickScheduler } from './tick-scheduler.js';

/**
 * The ledger that a claim of the lease brings along: that of the lease, or what has survived of it, with the jobs of this replica in it.
 * `undefined`: the lease keeps what it has.
 */
export function ledgerOfClaim(
  scheduler: TickScheduler,
  { lease }: Pick<Snapshot, 'lease'>,
  now: number,
): string | undefined {
  const ledger = openingLedger(scheduler, lease, now);
  return ledger.size === 0 && lease?.record.ledger === undefined ? undefined : encodeLedger(ledger);
}

/** What the first ledger of a term says, before it claims a tick. */
export function openingLedger(scheduler: TickScheduler, lease: Snapshot['lease'], now: number): Ledger {
  const { storeTime, remembered, jobs } = scheduler;
  const shown = decodeLedger(lease?.record.ledger);
  const isOld = shown !== null && scheduler.continues(lease);
  const ledger = new Map(isOld ? shown : survived(shown ?? EMPTY_LEDGER, remembered, storeTime.lastClaimable));
  settle(scheduler, ledger, () => true);
  // A clock that is wrong must write no baseline either.
  if (storeTime.disagreement() !== null) return ledger;
  const from = isOld ? Math.floor(now) : storeTime.lastClaimable;
  for (const job of jobs.values()) {
    const entry = newEntry(job, from);
    if (!ledger.has(job.name) && makeRoom(ledger, entryBytes(job.name, entry), now)) ledger.set(job.name, entry);
  }
  return ledger;
}

/** Writes down what has been run, and takes back what may no longer start. */
export function settle(
  scheduler: TickScheduler,
  ledger: Map<string, JobEntry>,
  isOver: (claim: PendingClaim) => boolean,
): void {
  for (const [name, before] of ledger) {
    let entry = before;
    for (const run of scheduler.finished(name)) entry = settled(entry, run);
    for (const claim of scheduler.claims) if (claim.job === name && isOver(claim)) entry = takenBack(entry, claim);
    ledger.set(name, entry);
  }
}
