import { LeaseStoreError } from '../errors.js';
import type { Snapshot, WriteOutcome } from '../lease-store.js';

/** What a store answers decides who leads, so nothing of it is believed unchecked: stores are other people's code. */
export function checkOutcome(outcome: WriteOutcome, seen: Snapshot): void {
  switch (outcome?.kind) {
    case 'applied':
      checkSnapshot(outcome.snapshot);
      // etcd answers an identical write with success and writes nothing: followers have seen no renewal.
      if (outcome.snapshot.lease === null || outcome.snapshot.lease.version === seen.lease?.version)
        throw new LeaseStoreError('STORE_BAD_DATA', 'The lease store reports a write that changed nothing.');
      return;
    case 'conflict':
    case 'rejected':
    case 'unknown':
      return;
    default:
      throw noSense('a write with something that is no outcome');
  }
}

export function checkSnapshot(snapshot: Snapshot): void {
  if (typeof snapshot !== 'object' || snapshot === null || typeof snapshot.token !== 'bigint')
    throw noSense('with something that is no snapshot of a lease');
  const { lease, storeTime } = snapshot;
  if (storeTime !== undefined && !Number.isFinite(storeTime)) throw noSense('with a time that is none');
  if (lease === null) return;
  const record = lease?.record;
  const sound =
    typeof lease?.version === 'string' &&
    typeof lease.uid === 'string' &&
    (lease.age === undefined || Number.isFinite(lease.age)) &&
    typeof record === 'object' &&
    record !== null &&
    (record.holder === null || typeof record.holder === 'string') &&
    Number.isFinite(record.duration) &&
    Number.isFinite(record.transitions) &&
    isTime(record.renewedAt) &&
    isTime(record.acquiredAt) &&
    (record.ledger === undefined || typeof record.ledger === 'string');
  if (!sound) throw noSense('with a lease that has missing or senseless fields');
}

/** Milliseconds for which a refusal asked to be left alone, as far as that makes sense. */
export function pauseAskedFor(refusal: unknown, longest: number): number {
  const asked: unknown =
    typeof refusal === 'object' && refusal !== null ? (refusal as { retryAfter?: unknown }).retryAfter : undefined;
  return typeof asked === 'number' && asked > 0 ? Math.min(asked, longest) : 0;
}

function isTime(value: number | null): boolean {
  return value === null || Number.isFinite(value);
}

function noSense(what: string): LeaseStoreError {
  return new LeaseStoreError('STORE_BAD_DATA', `The lease store answered ${what}.`, {
    advice: 'If the store is your own, run it through the store contract kit of nestjs-leader/testing.',
  });
}
