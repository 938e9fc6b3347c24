import type { LeaseRecord } from '../lease-record.js';

export interface RecordRules {
  readonly identity: string;
  readonly leaseDuration: number;
  /** Granularity of the store's times. Observers that see only whole seconds must see every renewal, so each advances by at least this. */
  readonly resolution: number;
}

/** A new term's first record, on top of whatever the lease says now. `before` is null for a lease that is absent and was never seen. */
export function claimed(
  rules: RecordRules,
  before: LeaseRecord | null,
  ids: { term: string; writeId: string },
  wall: number,
  ledger?: string,
): LeaseRecord {
  const renewedAt = before?.holder === rules.identity ? advance(rules, before, wall) : distinct(rules, before, wall);
  return {
    holder: rules.identity,
    duration: wireDuration(rules),
    acquiredAt: renewedAt,
    renewedAt,
    // client-go counts every change of holder, an acquisition from nobody included, and not a holder's return to its own lease.
    transitions: before === null ? 0 : before.transitions + (before.holder === rules.identity ? 0 : 1),
    ...ids,
    ledger,
  };
}

export function renewed(
  rules: RecordRules,
  last: LeaseRecord,
  writeId: string,
  wall: number,
  ledger?: string,
): LeaseRecord {
  return { ...last, duration: wireDuration(rules), renewedAt: advance(rules, last, wall), writeId, ledger };
}

/** In client-go's shape, so that its standbys take over at once; the term's id tells ours that the holder itself let go. */
export function released(
  rules: RecordRules,
  last: LeaseRecord,
  writeId: string,
  wall: number,
  ledger?: string,
): LeaseRecord {
  const at = advance(rules, last, wall);
  return { ...last, holder: null, duration: 1000, acquiredAt: at, renewedAt: at, writeId, ledger };
}

function wireDuration(rules: RecordRules): number {
  // Up: a duration that is rounded down would end for others before it ends for us.
  return Math.ceil(rules.leaseDuration / rules.resolution) * rules.resolution;
}

function advance(rules: RecordRules, last: LeaseRecord, wall: number): number {
  return Math.max(wall, (last.renewedAt ?? 0) + rules.resolution);
}

/** Takes the wall clock as it is, unless an observer could mistake the takeover for the record before it. */
function distinct(rules: RecordRules, before: LeaseRecord | null, wall: number): number {
  const step = (time: number) => Math.floor(time / rules.resolution);
  return before?.renewedAt != null && step(before.renewedAt) === step(wall) ? wall + rules.resolution : wall;
}
