import type { LeaseHandle, Snapshot, StoredLease, WriteOutcome } from '../../election/lease-store.js';
import type { LastRequest } from '../../election/exit/exit.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import { LeaderElectionError } from '../../election/errors.js';
import { quoted } from '../../election/report/quoted.js';
import type { ElectionLog } from '../../election/report/election-log.js';
import { isForAnnotations } from './api/api-status.js';
import { parseJson } from './api/status.js';
import { decodeLease, encodeLease } from './codec.js';
import type { LeaseApi, LeaseReading } from './api/lease-api.js';
import type { LeaseObject } from './lease-object.js';
import type { Incarnation } from './crash/incarnation.js';
import type { CrashDetection } from './crash/crash-detection.js';
import type { OwnTerms } from './extras/own-terms.js';
import { PATIENCE, watchLease, type WatchPatience } from './lease-watch.js';
import { serverAge } from './server-age.js';
import { NoAnswer, type Answer } from './api/transport.js';
import { readProcess, WRITE_MARK } from './write-mark.js';
import { outcomeOf } from './api/write-outcome.js';

/** The whole object behind what was seen: a replacement must bring back the fields that a record has no place for. */
const objects = new WeakMap<StoredLease, LeaseObject>();

export interface HandleOptions {
  readonly trustServerClock?: boolean;
  readonly patience?: WatchPatience;
  readonly terms?: OwnTerms;
  readonly log?: ElectionLog;
  readonly crashes?: CrashDetection;
  /** Told what came of each read. */
  readonly wasRead?: (error?: unknown) => void;
}

/** Of the keys and values of all annotations together, as the API server counts them. */
const MOST_ANNOTATION_BYTES = 256 * 1024;

const STRIPPED = `the annotation ${WRITE_MARK} does not survive a write: an admission policy or webhook takes it out. Let it pass.`;
const FULL = `there is no room for the annotation ${WRITE_MARK}: all annotations together may have ${MOST_ANNOTATION_BYTES} bytes. Remove some.`;
const WITHOUT =
  'Until then it is led without: writes whose answer was lost are recognised by holder and times, and a successor waits out the lease instead of taking over at once after a release.';

/** One Lease as the election sees it. */
export class KubernetesLeaseHandle implements LeaseHandle {
  /** Events come from the API server itself, over TLS, and tell what it read from etcd. */
  readonly isWatchVouched = true;
  /** Stands in for the version of an absence where the role allows no list. */
  private highest = 0n;
  private writes = 0;
  /** Since the first write. */
  private known: LeaseApi | null = null;
  /** Bytes of annotations at which a write was refused for them. */
  private tooLong = MOST_ANNOTATION_BYTES + 1;
  private readonly told = new Set<string>();
  readonly watchHolder?: LeaseHandle['watchHolder'];

  constructor(
    private readonly api: (signal: AbortSignal) => Promise<LeaseApi>,
    private readonly options: HandleOptions = {},
  ) {
    const { crashes, log } = options;
    if (crashes === undefined) return;
    this.watchHolder = (seen, signal) => crashes.death(processOf(seen.lease), signal, log);
  }

  async read(signal: AbortSignal): Promise<Snapshot> {
    try {
      const api = await this.api(signal);
      const { writes } = this;
      const reading = await api.get(signal);
      const seen = this.seen(reading.lease ? reading : await this.absence(api, signal), writes === this.writes);
      this.options.wasRead?.();
      return seen;
    } catch (error) {
      this.options.wasRead?.(error);
      throw error;
    }
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Snapshot> {
    const api = await this.api(signal);
    for await (const reading of watchLease(api, signal, this.options.patience ?? PATIENCE)) {
      // The header of a watch tells when it was opened.
      yield { ...this.seen(reading), storeTime: undefined };
    }
  }

  async replace(seen: Snapshot, record: LeaseRecord, signal: AbortSignal): Promise<WriteOutcome> {
    try {
      const api = (this.known = await this.api(signal));
      const object = await this.objectOf(seen, api, signal);
      if (object === undefined) return { kind: 'conflict' };
      this.writes += 1;
      const { sent, answer } = await this.send(api, object, record, signal);
      const written = answer.status === 200 || answer.status === 201 ? parseJson(answer.body) : undefined;
      // An unchanged version is a write that changed nothing, which others cannot have seen; what names somebody else, or another
      // time, is somebody else's doing.
      if (
        !api.isThis(written) ||
        written.metadata.resourceVersion === seen.lease?.version ||
        !isAsSent(decodeLease(written), decodeLease(sent))
      )
        return outcomeOf(answer, api.error(answer, object === null ? 'create' : 'update'));

      if (isMarked(sent) && decodeLease(written).writeId === null) this.tell(api, STRIPPED);
      const { date } = answer.headers;
      const snapshot = this.snapshot({ lease: written, resourceVersion: written.metadata.resourceVersion, date });
      this.options.terms?.wrote(written, record, snapshot.token);
      return { kind: 'applied', snapshot };
    } catch (error) {
      // Everything that fails before the request is on the wire has certainly written nothing.
      const sent = error instanceof NoAnswer && error.sent;
      return { kind: sent ? 'unknown' : 'rejected', cause: error instanceof NoAnswer ? error.cause : error };
    }
  }

  /** The released record names no process, so all that it takes is at hand. */
  replaceAtExit({ lease }: Snapshot, record: LeaseRecord): LastRequest | null {
    const object = lease && objects.get(lease);
    if (!object || this.known === null) return null;
    const sent = encodeLease(object, this.known, record);
    return annotationBytes(sent) < this.tooLong ? this.known.writeAtExit(sent) : null;
  }

  private async send(
    api: LeaseApi,
    object: LeaseObject | null,
    record: LeaseRecord,
    signal: AbortSignal,
  ): Promise<{ sent: LeaseObject; answer: Answer }> {
    const create = object === null;
    const process = (await this.options.crashes?.incarnation(this.options.log)) ?? null;
    const marked = encodeLease(object, api, record, { process });
    const size = annotationBytes(marked);
    if (size < this.tooLong) {
      const answer = await api.write(marked, create, signal);
      // Refused, it has certainly changed nothing; of a sending before it that would be no word.
      if (answer.repeated || !isForAnnotations(answer)) return { sent: marked, answer };
      this.tooLong = size;
    }
    this.tell(api, FULL);
    const bare = encodeLease(object, api, record, { isAnnotated: false });
    return { sent: bare, answer: await api.write(bare, create, signal) };
  }

  private tell({ name }: LeaseApi, what: string): void {
    if (this.told.has(what)) return;
    this.told.add(what);
    this.options.log?.warn(`Lease "${quoted(name)}": ${what} ${WITHOUT}`);
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

  /** A list tells as of which version it is absent. It may come from a cache of the API server that lags or has outlived a restore of etcd. */
  private async absence(api: LeaseApi, signal: AbortSignal): Promise<LeaseReading> {
    try {
      const listed = await api.list(signal);
      // Created meanwhile, or long gone in etcd: that answers a get itself.
      return listed.lease ? await api.get(signal) : listed;
    } catch (error) {
      if (!(error instanceof LeaderElectionError && error.code === 'STORE_FORBIDDEN')) throw error;
      return { lease: null };
    }
  }

  private seen(reading: LeaseReading, isCurrent = false): Snapshot {
    const snapshot = this.snapshot(reading);
    this.options.terms?.saw(snapshot, isCurrent);
    return snapshot;
  }

  private snapshot({ lease, resourceVersion, date }: LeaseReading): Snapshot {
    const token = resourceVersion === undefined ? this.highest : BigInt(resourceVersion);
    if (token > this.highest) this.highest = token;
    const storeTime = Date.parse(date ?? '');
    return {
      lease: lease && this.stored(lease, date),
      token,
      ...(Number.isFinite(storeTime) && { storeTime }),
    };
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

function processOf(lease: StoredLease | null): Incarnation | null {
  const object = lease && objects.get(lease);
  return object ? readProcess(object) : null;
}

const isMarked = ({ metadata }: LeaseObject) => metadata.annotations?.[WRITE_MARK] !== undefined;

function annotationBytes({ metadata }: LeaseObject): number {
  const all = Object.entries(metadata.annotations ?? {}).flat();
  return all.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
}

/**
 * Whether the Lease is what we sent: by our mark, or, where that did not survive, by holder and times. With a shorter duration it is not:
 * others would come in while we still trust it.
 */
function isAsSent(written: LeaseRecord, sent: LeaseRecord): boolean {
  return (
    (written.writeId === null || written.writeId === sent.writeId) &&
    written.holder === sent.holder &&
    written.renewedAt === sent.renewedAt &&
    written.acquiredAt === sent.acquiredAt &&
    written.duration >= sent.duration
  );
}
