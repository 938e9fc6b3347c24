import type { Chance, Clock } from '../clock/clock.js';
import { LeaseStoreError } from '../errors.js';
import type { Exit } from '../exit/exit.js';
import type { StoreHealth, StorePart } from '../report/store-health.js';
import { readClocks, type ClockReading } from '../rules/leader-validity.js';
import { TakeoverTime } from '../rules/takeover-time.js';
import type { TickScheduler } from '../ticks/tick-scheduler.js';
import type { Timings } from '../rules/timings.js';
import { checkOutcome, checkSnapshot, pauseAskedFor } from './answers.js';
import { HintLimiter } from './hint-limiter.js';
import type { LeaseRecord } from '../lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from '../lease-store.js';
import { isSameTerm, BelievedLease, type Sighting, type Source } from './believed-lease.js';
import { HolderWatcher } from './holder-watcher.js';
import { LeaseWatcher } from './lease-watcher.js';
import type { RecordRules } from './next-record.js';
import { RequestTimeout } from './request-timeout.js';
import { overdue, Request } from './request.js';

/** What one election of one replica is made of. */
export interface LoopSetup {
  readonly identity: string;
  readonly timings: Timings;
  readonly candidate: boolean;
  readonly fencingEpoch: number;
  readonly handle: LeaseHandle;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly health: StoreHealth;
  readonly ticks: TickScheduler;
  /** Where the lease is let go when the process exits by itself; `null`: nowhere. */
  readonly exit: Exit | null;
}

/** One write of ours, remembered with the clocks just before it was sent. */
export interface Attempt {
  readonly writeId: string;
  readonly sent: ClockReading;
  readonly seen: Snapshot;
  readonly record: LeaseRecord;
}

/** A request that brought nothing. */
export interface Failure {
  readonly kind: 'failed';
  /** Milliseconds for which the store asked to be left alone. */
  readonly retryAfter: number;
  /** We gave it up ourselves: that says nothing about the store. */
  readonly interrupted: boolean;
}

/** What was seen of the lease, whichever way it came. */
export type Seen =
  /** A state that is not older than the known one. `isNewer`: its token is greater, so it was written after the known one. */
  | {
      readonly kind: 'state';
      readonly snapshot: Snapshot;
      readonly isNews: boolean;
      readonly isNewer: boolean;
      readonly source: Source;
      readonly now: number;
    }
  /** The watch hints that the holder lives, which no read has shown yet. */
  | { readonly kind: 'sign'; readonly now: number }
  /** The watch hints that the lease has changed hands, which only a read can tell. */
  | { readonly kind: 'ring'; readonly snapshot: Snapshot; readonly now: number }
  /** There is proof that the holder is dead: the lease may be open now. */
  | { readonly kind: 'holder gone'; readonly now: number }
  /** The watch ended: what it would have shown is unknown. */
  | { readonly kind: 'watch broke'; readonly now: number };

/**
 * The lease as this replica knows it and writes it: what is known, the requests that change that, and the watch.
 *
 * Whatever is seen goes to `onSeen` before the request that brought it returns. A watch may show our own write before the store answers
 * it, so there is one place that judges a state, and not one for each way to it.
 */
export class LeaseClient {
  readonly rules: RecordRules;
  readonly takeover: TakeoverTime;
  readonly hints: HintLimiter;
  readonly isWatchVouched: boolean;
  private readonly believed: BelievedLease;
  private readonly watcher: LeaseWatcher | null;
  private readonly holderWatcher: HolderWatcher | null;
  private readonly timeout: RequestTimeout;
  /** The read or probe under way. A write is never interrupted: whether it landed must be known. */
  private interruptible: Request | null = null;
  /** When the watch last showed something, whatever it was worth. */
  private heardAt = Number.NEGATIVE_INFINITY;
  private reopenFrom = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly setup: LoopSetup,
    private readonly onSeen: (seen: Seen) => void,
  ) {
    const { identity, timings, handle, clock, chance } = setup;
    this.rules = { identity, leaseDuration: timings.leaseDuration, resolution: timings.resolution };
    this.isWatchVouched = handle.isWatchVouched === true;
    this.hints = new HintLimiter(timings.retryPeriod);
    this.takeover = new TakeoverTime({ identity, ...timings });
    this.believed = new BelievedLease(this.takeover, this.isWatchVouched);
    this.timeout = new RequestTimeout(timings.requestTimeout, timings.renewDeadline);
    this.watcher =
      handle.watch === undefined
        ? null
        : new LeaseWatcher((signal) => handle.watch!(signal), clock, chance, timings.leaseDuration, {
            saw: (snapshot) => this.watched(snapshot),
            broke: (cause) => this.watchBroke(cause),
          });
    this.holderWatcher =
      handle.watchHolder === undefined
        ? null
        : new HolderWatcher(
            identity,
            (seen, signal) => handle.watchHolder!(seen, signal),
            (seen) => this.holderIsGone(seen),
          );
  }

  /** Opens the watch. Not in the constructor: a store that throws is heard of at once. */
  watch(): void {
    this.watcher?.start();
  }

  /** `null` before the first answer. */
  get latest(): Snapshot | null {
    return this.believed.latest;
  }

  get holder(): string | null {
    return this.believed.latest?.lease?.record.holder ?? null;
  }

  /** Whether the watch can be relied on: it works, tells the history that reads tell, and no read is owed since one failed. */
  get watchIsLive(): boolean {
    return this.watcher?.isLive === true && !this.believed.isAstray && !this.setup.health.isFailing('reading');
  }

  /** Whether the watch is silently dead if a read begun now brings news of which it has not told. One that spoke just now is alive. */
  get watchOwesNews(): boolean {
    const { clock, timings } = this.setup;
    return (
      // An astray one owes nothing: it is reopened at a pace of its own.
      !this.believed.isAstray &&
      this.watcher?.owesNews(timings.leaseDuration) === true &&
      clock.now() - this.heardAt >= timings.retryPeriod
    );
  }

  /** Whether the lease has been read, and its watch, if there is one, is open or refused: news of it would be heard at once. */
  get isInformed(): boolean {
    return this.believed.latest !== null && (this.watcher === null || this.watcher.hasAnswered);
  }

  get watchHasToldIt(): boolean {
    return this.believed.watchHasToldIt;
  }

  /** How long a request may take at present, milliseconds. */
  get patience(): number {
    return this.timeout.current;
  }

  /** Reads the lease, within `limit` milliseconds if that is less than a request may take. Never throws. */
  async read(limit = Number.POSITIVE_INFINITY): Promise<Sighting | Failure> {
    const { handle, clock } = this.setup;
    const before = this.believed.latest;
    const sentAt = clock.now();
    const wasHinted = this.hints.answer(sentAt);
    const request = (this.interruptible = this.open(limit));
    let snapshot: Snapshot;
    try {
      snapshot = await request.answer(handle.read(request.signal));
      this.timeout.answeredIn(clock.now() - sentAt);
      checkSnapshot(snapshot);
    } catch (cause) {
      if (wasHinted) this.hints.answered(false, clock.now());
      return this.failed('reading', cause);
    } finally {
      request.close();
      this.interruptible = null;
    }
    const sighting = this.wasRead(snapshot, before, sentAt);
    if (wasHinted) this.hints.answered(!isSameTerm(before, snapshot), clock.now());
    return sighting;
  }

  /** An attempt to write what `record` makes, on the strength of what is known now. The clocks are read before it is sent. */
  attempt(record: (writeId: string) => LeaseRecord): Attempt {
    const writeId = this.setup.chance.uuid();
    return { writeId, sent: readClocks(this.setup.clock), seen: this.believed.latest!, record: record(writeId) };
  }

  /** Writes, within `limit` milliseconds. Never throws. A conflict is neither success nor failure until a read explains it. */
  async write(attempt: Attempt, limit = Number.POSITIVE_INFINITY): Promise<WriteOutcome> {
    const { handle, clock } = this.setup;
    const sentAt = clock.now();
    const request = this.open(limit);
    let outcome: WriteOutcome;
    try {
      outcome = await request.answer(handle.replace(attempt.seen, attempt.record, request.signal));
      this.timeout.answeredIn(clock.now() - sentAt);
      checkOutcome(outcome, attempt.seen);
    } catch (cause) {
      outcome = { kind: 'unknown', cause };
    } finally {
      request.close();
    }
    if (outcome.kind === 'applied') this.see(outcome.snapshot, 'write', attempt.sent.mono);
    if (outcome.kind === 'unknown') this.failed('writing', outcome.cause);
    if (outcome.kind !== 'rejected') return outcome;
    this.failed('writing', outcome.cause);
    return { ...outcome, retryAfter: this.pauseAskedFor(outcome) };
  }

  /** Whether something newer has been seen since `attempt` was made. */
  hasMovedOn(attempt: Attempt): boolean {
    return this.believed.latest!.token > attempt.seen.token;
  }

  /** Asks whether the holder is provably dead, and if so opens the lease. */
  async probe(): Promise<void> {
    const { handle, clock } = this.setup;
    const { latest } = this.believed;
    const request = (this.interruptible = new Request(clock, this.patience, () => overdue(this.patience)));
    try {
      const isGone = (await request.answer(handle.isHolderGone!(latest!, request.signal))) === true;
      // What it was asked about may have changed meanwhile.
      if (isGone && this.believed.latest === latest) this.takeover.holderIsGone();
    } catch (cause) {
      this.failed('reading', cause);
    } finally {
      request.close();
      this.interruptible = null;
    }
  }

  /** Gives up a read or probe under way: its answer no longer matters. */
  interrupt(): void {
    this.interruptible?.giveUp(INTERRUPTED);
  }

  reopenWatch(): void {
    this.watcher?.reopen();
    this.believed.watchReopened();
  }

  close(): void {
    this.watcher?.stop();
    this.holderWatcher?.stop();
  }

  private open(limit: number): Request {
    const bound = this.timeout.within(limit);
    const isCutShort = bound < this.timeout.current;
    return new Request(this.setup.clock, bound, () => {
      // We cut it short ourselves: that says nothing about the store, and a time in the message would blame it.
      if (isCutShort) return overdue();
      this.timeout.timedOut();
      return overdue(bound);
    });
  }

  private wasRead(snapshot: Snapshot, before: Snapshot | null, sentAt: number): Sighting {
    const { health } = this.setup;
    // The watch was faster: that the answer is older than what it has brought meanwhile says nothing about the store.
    const { latest } = this.believed;
    const isOvertaken = latest !== before && snapshot.token < latest!.token && snapshot.token >= (before?.token ?? 0n);
    const sighting = isOvertaken ? 'same' : this.see(snapshot, 'read', sentAt);
    if (isOvertaken) health.succeeded('reading');
    if (sighting === 'old') health.failed('reading', WENT_BACK);
    if (this.believed.isAstray) this.reopenAstrayWatch();
    return sighting;
  }

  private see(snapshot: Snapshot, source: 'read' | 'write', sentAt: number): Sighting {
    const now = this.setup.clock.now();
    const before = this.believed.latest;
    const sighting = this.believed.see(snapshot, source, now, sentAt);
    if (sighting === 'old') return sighting;
    this.hints.shown(snapshot.token);
    // Before anybody acts on it: whether the watch can be relied on again depends on it.
    if (source === 'read') this.setup.health.succeeded('reading');
    this.tell(snapshot, before, sighting, source, now);
    return sighting;
  }

  private watched(snapshot: Snapshot): void {
    checkSnapshot(snapshot);
    const { clock, health } = this.setup;
    health.succeeded('watching');
    const now = (this.heardAt = clock.now());
    const before = this.believed.latest;
    const sighting = this.believed.hint(snapshot, now);
    if (sighting === 'old') return;
    if (sighting === 'sign') return this.onSeen({ kind: 'sign', now });
    if (sighting === 'ring') return this.onSeen({ kind: 'ring', snapshot, now });
    this.tell(snapshot, before, sighting, 'watch', now);
  }

  private holderIsGone(seen: Snapshot): void {
    // What it was asked about may have changed meanwhile.
    if (!isSameTerm(seen, this.believed.latest!)) return;
    this.takeover.holderHasCrashed();
    this.onSeen({ kind: 'holder gone', now: this.setup.clock.now() });
  }

  private watchBroke(cause: unknown): void {
    if (cause !== undefined) this.setup.health.failed('watching', cause);
    this.onSeen({ kind: 'watch broke', now: this.setup.clock.now() });
  }

  private tell(snapshot: Snapshot, before: Snapshot | null, sighting: Sighting, source: Source, now: number): void {
    this.holderWatcher?.follow(this.believed.latest!);
    const isNewer = before === null || snapshot.token > before.token;
    this.onSeen({ kind: 'state', snapshot, isNews: sighting === 'news', isNewer, source, now });
  }

  /** It tells of a history that the store has lost. Reopened it may tell of the present one: now and then only, for it costs a list. */
  private reopenAstrayWatch(): void {
    const now = this.setup.clock.now();
    if (now < this.reopenFrom) return;
    this.reopenFrom = now + this.setup.timings.leaseDuration;
    this.reopenWatch();
  }

  private failed(part: StorePart, cause: unknown): Failure {
    const interrupted = cause === INTERRUPTED;
    if (!interrupted) this.setup.health.failed(part, cause);
    return { kind: 'failed', retryAfter: this.pauseAskedFor(cause), interrupted };
  }

  /** A store that asks to be left alone for an hour must not leave the lease without a holder for an hour. */
  private pauseAskedFor(refusal: unknown): number {
    return pauseAskedFor(refusal, this.setup.timings.leaseDuration);
  }
}

const INTERRUPTED = new LeaseStoreError('STORE_FAILED', 'The election is stopping.');

const WENT_BACK = new LeaseStoreError('STORE_WENT_BACK', 'The lease store shows an older state than before.', {
  advice: 'If it was restored from a backup, raise fencingEpoch on all replicas: its tokens have gone back as well.',
});

/** A conflict says that the lease is no longer what it was. If it still is, the store, or something before it, refuses the write. */
export function unexplainedConflict(): LeaseStoreError {
  return new LeaseStoreError(
    'STORE_FAILED',
    'The lease store refuses every write as a conflict, although nobody else has written.',
    { advice: 'See what answers in its place: an admission webhook, a proxy, a read-only or half-restored server.' },
  );
}
