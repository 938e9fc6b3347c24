import { LeaseStoreError } from '../../election/errors.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { Snapshot } from '../../election/lease-store.js';

type State = LeaseRecord & { deleted: boolean; token: string; version: string; uid: string };

/** The state of a row as the database tells it, in answers and notifications alike. `null`: the lease never was. */
export function snapshotOf(state: unknown, age?: number): Snapshot {
  if (state === null) {
    return { lease: null, token: 0n };
  }
  const { deleted, token, version, uid, ...record } = parse(state);
  return {
    token: BigInt(token),
    lease: deleted ? null : { record, version, uid, ...(age !== undefined && { age: Math.max(0, age) }) },
  };
}

function parse(state: unknown): State {
  try {
    return JSON.parse(String(state)) as State;
  } catch (cause) {
    throw new LeaseStoreError(
      'STORE_BAD_DATA',
      'Postgres told the state of a lease in a form that is not understood.',
      {
        advice:
          'If the client is an adapter of your own: it must give column values as the driver reads them from text.',
        cause,
      },
    );
  }
}
