import type { LeaseHandle, Snapshot, StoredLease, WriteOutcome } from '../../election/lease-store.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import { LeaderElectionError } from '../../election/errors.js';
import { parseJson } from './api-status.js';
import { decodeLease, encodeLease } from './codec.js';
import type { LeaseApi, Sighting } from './lease-api.js';
import type { LeaseObject } from './lease-object.js';
import type { OwnTerms } from './own-terms.js';
import { PATIENCE, watchLease, type WatchPatience } from './lease-watch.js';
import { serverAge } from './server-age.js';
import { NoAnswer } from './transport.js';
import { outcomeOf } from './write-outcome.js';

/** The whole object behind what was seen: a replacement must bring back the fields that a record has no place for. */
const objects = new WeakMap<StoredLease, LeaseObject>();

export interface HandleOptions {
  readonly trustServerClock?: boolean;
  readonly patience?: WatchPatience;
  readonly terms?: OwnTerms;
}

/** One Lease as the election sees it. */
export class KubernetesLeaseHandle implements LeaseHandle {
  /** Stands in for the version of an absence where the role allows no list. */
  private highest = 0n;

  constructor(
    private readonly api: (signal: AbortSignal) => Promise<LeaseApi>,
    private readonly options: HandleOptions = {},
  ) {}

  async read(signal: AbortSignal): Promise<Snapshot> {
    const api = await this.api(signal);
    const sighting = await api.get(signal);
    return this.seen(sighting.lease ? sighting : await this.absence(api, signal));
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Snapshot> {
    const api = await this.api(signal);
    for await (const sighting of watchLease(api, signal, this.options.patience ?? PATIENCE)) {
      yield this.seen(sighting);
    }
  }

  async replace(seen: Snapshot, record: LeaseRecord, signal: AbortSignal): Promise<WriteOutcome> {
    try {
      const api = await this.api(signal);
      const object = await this.objectOf(seen, api, signal);
      if (object === undefined) return { kind: 'conflict' };
      const answer = await api.write(encodeLease(object, api, record), object === null, signal);
      const written = answer.status === 200 || answer.status === 201 ? parseJson(answer.body) : undefined;
      // An unchanged version is a write that changed nothing, which others cannot have seen; a lost mark is somebody else's doing.
      if (
        !api.isThis(written) ||
        written.metadata.resourceVersion === seen.lease?.version ||
        decodeLease(written).writeId !== record.writeId
      ) {
        return outcomeOf(answer, api.error(answer, object === null ? 'create' : 'update'));
      }
      const snapshot = this.snapshot({ lease: written, resourceVersion: written.metadata.resourceVersion });
      this.options.terms?.wrote(written, snapshot);
      return { kind: 'applied', snapshot };
    } catch (error) {
      // Everything that fails before the request is on the wire has certainly written nothing.
      const sent = error instanceof NoAnswer && error.sent;
      return { kind: sent ? 'unknown' : 'rejected', cause: error instanceof NoAnswer ? error.cause : error };
    }
  }

  /** `undefined`: it is not there as seen any more. */
  private async objectOf(seen: Snapshot, api: LeaseApi, signal: AbortSignal): Promise<LeaseObject | null | undefined> {
    if (!seen.lease) return null;
    const known = objects.get(seen.lease);
    if (known) return known;
    // A snapshot that was copied on its way here.
    const { lease } = await api.get(signal);
    return lease?.metadata.resourceVersion === seen.lease.version ? lease : undefined;
  }

  private async absence(api: LeaseApi, signal: AbortSignal): Promise<Sighting> {
    try {
      const listed = await api.list(signal);
      return listed.lease ? { ...listed, resourceVersion: listed.lease.metadata.resourceVersion } : listed;
    } catch (error) {
      if (!(error instanceof LeaderElectionError && error.code === 'STORE_FORBIDDEN')) throw error;
      return { lease: null };
    }
  }

  private seen(sighting: Sighting): Snapshot {
    const snapshot = this.snapshot(sighting);
    this.options.terms?.saw(snapshot);
    return snapshot;
  }

  private snapshot({ lease, resourceVersion, date }: Sighting): Snapshot {
    const token = resourceVersion === undefined ? this.highest : BigInt(resourceVersion);
    if (token > this.highest) this.highest = token;
    const snapshot = { lease: lease && this.stored(lease, date), token };
    return snapshot;
  }

  private stored(lease: LeaseObject, date?: string): StoredLease {
    const stored: StoredLease = {
      record: decodeLease(lease),
      version: lease.metadata.resourceVersion!,
      uid: lease.metadata.uid!,
      ...(this.options.trustServerClock ? { age: serverAge(lease, date) } : {}),
    };
    objects.set(stored, lease);
    return stored;
  }
}
