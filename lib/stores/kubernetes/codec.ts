import type { LeaseRecord } from '../../election/lease-record.js';
import { API_VERSION, type LeaseMetadata, type LeaseObject, type LeaseSpec } from './lease-object.js';
import type { Incarnation } from './crash/incarnation.js';
import { formatMicroTime, parseMicroTime } from './micro-time.js';
import { formatWriteMark, readWriteMark, WRITE_MARK } from './write-mark.js';

/** The annotation in which a Lease carries the account of jobs. One of its own: the write mark is void under a foreign holder, and this must outlive one. */
export const LEDGER = 'nestjs-leader/ledger';

const INT32_MAX = 2 ** 31 - 1;

/** What a Lease says. Garbage in a field reads as if the field were not there; nothing here throws. */
export function decodeLease(lease: LeaseObject): LeaseRecord {
  const spec = lease.spec ?? {};
  const { duration, ...mark } = readWriteMark(lease);
  const ledger: unknown = lease.metadata.annotations?.[LEDGER];
  return {
    holder: holder(spec.holderIdentity),
    // The holder trusts its lease for as long as it meant it: a policy or a hand that shortens the field alone must let nobody in.
    duration: Math.max(whole(spec.leaseDurationSeconds), whole(duration)) * 1000,
    acquiredAt: parseMicroTime(spec.acquireTime),
    renewedAt: parseMicroTime(spec.renewTime),
    transitions: whole(spec.leaseTransitions),
    ...mark,
    ...(typeof ledger === 'string' && { ledger }),
  };
}

/**
 * The Lease that says `record`, built upon the one it replaces: fields of newer API versions, labels, foreign annotations,
 * `strategy` and `preferredHolder` stay. uid and resourceVersion go along, for without uid the API server recreates a deleted Lease.
 * `process`: the one that writes, where its death can be proven. `isAnnotated` false: without our write mark, whole or old, and with the ledger that it has, where there is no room for them.
 */
export function encodeLease(
  seen: LeaseObject | null,
  { name, namespace }: { name: string; namespace: string },
  record: LeaseRecord,
  { isAnnotated = true, process }: { isAnnotated?: boolean; process?: Incarnation | null } = {},
): LeaseObject {
  const renewTime = record.renewedAt === null ? null : formatMicroTime(record.renewedAt);
  const holderIdentity = record.holder ?? '';
  const leaseDurationSeconds = durationSeconds(record.duration);
  const { [WRITE_MARK]: _last, ...annotations } = seen?.metadata.annotations ?? {};
  // A release names nobody's process.
  const held = process != null && record.holder !== null ? { process } : {};
  const bound = { holder: holderIdentity, renewTime, duration: leaseDurationSeconds ?? 0, ...held };
  return {
    ...(seen ?? { apiVersion: API_VERSION, kind: 'Lease' }),
    metadata: {
      ...(seen ? withoutManagedFields(seen.metadata) : { name, namespace }),
      annotations: isAnnotated
        ? {
            ...annotations,
            [WRITE_MARK]: formatWriteMark(record, bound),
            ...(record.ledger !== undefined && { [LEDGER]: record.ledger }),
          }
        : annotations,
    },
    spec: {
      ...seen?.spec,
      holderIdentity,
      leaseDurationSeconds,
      acquireTime: record.acquiredAt === null ? undefined : formatMicroTime(record.acquiredAt),
      renewTime: renewTime ?? undefined,
      leaseTransitions: Math.min(record.transitions, INT32_MAX),
    } satisfies LeaseSpec,
  };
}

/** The API server keeps its own copy when an update brings none: half of the bytes of every renewal. */
function withoutManagedFields({ managedFields: _kept, ...metadata }: LeaseMetadata): LeaseMetadata {
  return metadata as LeaseMetadata;
}

/** Rounded up: a lease of 10.9 s written as 10 would let a standby in while its holder still trusts it. */
function durationSeconds(ms: number): number | undefined {
  return ms > 0 ? Math.min(Math.ceil(ms / 1000), INT32_MAX) : undefined;
}

/** `null`, absent and '' all mean nobody. A holder of the wrong type is still somebody: kept away from, not taken over. */
function holder(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function whole(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? Math.min(value, INT32_MAX) : 0;
}
