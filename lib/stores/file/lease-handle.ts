import { randomBytes } from 'node:crypto';
import { LeaseStoreError } from '../../election/errors.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from '../../election/lease-store.js';
import { bootClock } from '../../election/clock/system-clock.js';
import { abortable } from '../abortable.js';
import { Bell } from '../bell.js';
import { DirectoryWatch } from './lease-watch.js';
import { errnoOf, fileError, fileTimeout } from './errors.js';
import { decode, encode, storedLease, unreadableLease, versionOf, type LeaseFile } from './codec.js';
import { gatherEvidence, isDead, type ProcessIdentity } from './process-identity.js';
import { VersionDirectory } from './version-directory.js';

/** One lease in its directory. */
export class FileHandle implements LeaseHandle {
  /** It reads the directory each time that it rings. */
  readonly isWatchVouched = true;
  readonly holderProbeInterval?: number;
  private readonly versions: VersionDirectory;
  private prepared: Promise<unknown> | undefined;
  private complainedOf = 0;

  constructor(
    private readonly path: string,
    private readonly prepare: () => Promise<void>,
    private readonly self: ProcessIdentity | null,
  ) {
    this.versions = new VersionDirectory(path);
    // Where nothing can be proved, nothing is asked.
    if (self) this.holderProbeInterval = 200;
  }

  read(signal: AbortSignal): Promise<Snapshot> {
    return abortable(
      () => this.look(),
      signal,
      () => fileTimeout(this.path, signal),
    ).catch((error: unknown) => {
      throw fileError(error, this.path);
    });
  }

  async replace(seen: Snapshot, record: LeaseRecord, signal: AbortSignal): Promise<WriteOutcome> {
    const progress = { mayHaveLinked: false };
    const timeout = () => fileTimeout(this.path, signal);
    try {
      return await abortable(() => this.write(seen, record, signal, progress), signal, timeout);
    } catch (error) {
      return { kind: progress.mayHaveLinked ? 'unknown' : 'rejected', cause: fileError(error, this.path) };
    }
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Snapshot, void, undefined> {
    if (signal.aborted) return;
    const bell = new Bell();
    await this.ready();
    const directory = await DirectoryWatch.open(this.path, bell);
    // A reader that is busy when its signal aborts may never ask again, and nothing must outlive the signal.
    const close = () => directory.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      let token: bigint | undefined;
      while (!signal.aborted) {
        // Asked before the look: a directory that ends after it is looked at once more.
        const { ended } = directory;
        const snapshot = await this.read(signal).catch((error: unknown) => {
          if (signal.aborted) return undefined;
          throw error;
        });
        if (snapshot && snapshot.token !== token) yield snapshot;
        if (ended) return;
        token = snapshot?.token;
        await bell.wait(signal);
      }
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  }

  async isHolderGone(seen: Snapshot, signal: AbortSignal): Promise<boolean> {
    if (!seen.lease?.record.holder || !this.self || signal.aborted) return false;
    try {
      const file = decode((await this.versions.read(Number(seen.token))) ?? '');
      if (!file?.writer || versionOf(Number(seen.token), file) !== seen.lease.version) return false;
      return isDead(file.writer, this.self, await gatherEvidence(file.writer.pid));
    } catch (error) {
      // Doubt: the next read says what is wrong with the directory.
      if (errnoOf(error)) return false;
      throw error;
    }
  }

  private async look(): Promise<Snapshot> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.ready();
        const { number, text } = await this.versions.newest();
        return { lease: text === null ? null : this.lease(number, text), token: BigInt(number) };
      } catch (error) {
        // Somebody removed the directory, which deletes the lease: make it anew and see.
        if (errnoOf(error) !== 'ENOENT' || attempt === 3) throw error;
        this.prepared = undefined;
      }
    }
  }

  private lease(number: number, text: string) {
    const file = decode(text);
    if (file) return storedLease(number, file, this.self);
    if (number > this.complainedOf) {
      this.complainedOf = number;
      process.emitWarning(
        `Version ${number} of the lease in ${this.path} cannot be read: it counts as held by somebody unknown until it runs out. It is kept there as unreadable-${number}.`,
        { code: 'LEASE_UNREADABLE' },
      );
    }
    return unreadableLease(number);
  }

  private async write(
    seen: Snapshot,
    record: LeaseRecord,
    signal: AbortSignal,
    progress: { mayHaveLinked: boolean },
  ): Promise<WriteOutcome> {
    await this.ready();
    const { lease } = seen;
    const last = { number: Number(seen.token), absent: lease === null };
    const number = last.number + 1;
    const nonce = randomBytes(8).toString('hex');
    const unreadable = lease?.version === versionOf(last.number, null);
    if (unreadable) await this.versions.setAside(last.number);
    const uid = lease && !unreadable ? lease.uid : versionOf(number, { nonce });
    const { ledger = lease?.record.ledger, ...rest } = record;
    const kept = { ...rest, ...(ledger !== undefined && { ledger }) };
    const file: LeaseFile = { uid, nonce, record: kept, writer: this.self, writtenAt: bootClock() ?? null };
    // A renewal or a release lost with the power is no loss: the machine took its holder along.
    const renews = lease?.record.holder === record.holder && lease.record.term === record.term;
    const durable = record.holder !== null && !renews;
    const mayLink = () => (progress.mayHaveLinked = !signal.aborted);
    const linked = await this.versions.link(last, encode(file), { durable, mayLink }).catch((error: unknown) => {
      progress.mayHaveLinked = false;
      throw error;
    });
    if (linked === 'conflict') return { kind: 'conflict' };
    if (linked === 'called-off') return { kind: 'rejected', cause: fileTimeout(this.path, signal) };
    const confirmed = await this.versions.confirm(last, durable);
    if (confirmed === 'conflict') return { kind: 'conflict' };
    if (confirmed === 'late' && !(await this.wasInTime(seen, file)))
      return { kind: 'unknown', cause: overtaken(this.path) };
    return { kind: 'applied', snapshot: { lease: storedLease(number, file, this.self), token: BigInt(number) } };
  }

  /** Whether a version that others have built on since was the first of its number, or re-created one that had been pruned. */
  private async wasInTime(seen: Snapshot, file: LeaseFile): Promise<boolean> {
    if (!seen.lease) {
      const { text } = await this.versions.newest();
      return decode(text ?? '')?.uid === file.uid;
    }
    const number = Number(seen.token);
    const text = await this.versions.read(number);
    return text !== undefined && versionOf(number, decode(text)) === seen.lease.version;
  }

  private ready(): Promise<unknown> {
    this.prepared ??= this.prepare().catch((error: unknown) => {
      // Asked again next time: people put directories right while the application runs.
      this.prepared = undefined;
      throw fileError(error, this.path);
    });
    return this.prepared;
  }
}

function overtaken(path: string): LeaseStoreError {
  return new LeaseStoreError('STORE_FAILED', `A write to ${path} took so long that many others came and went.`, {
    advice: 'The process was paused or starved in the middle of it; the next read tells how things stand.',
  });
}
