import type { Chance, Clock } from './clock.js';
import { LeaseClient, type Failure } from './lease-client.js';
import type { LeaseRecord } from './lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from './lease-store.js';
import { checkSnapshot } from './answers.js';
import { LeaseView, type Sighting, type Source } from './lease-view.js';
import type { RecordRules } from './records.js';
import type { Timings } from './timings.js';
import type { Trouble } from './trouble.js';
import { Vacancy } from './vacancy.js';
import { readClocks, type ClockReading } from './validity.js';
import { Watcher } from './watcher.js';

/** What a candidacy is made of. */
export interface CandidacySetup {
  readonly identity: string;
  readonly timings: Timings;
  readonly candidate: boolean;
  readonly fencingEpoch: number;
  readonly handle: LeaseHandle;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly trouble: Trouble;
  /** Apart from the rest: a watch that is refused while renewals work would be told, and told to be over, at each of them. */
  readonly watchTrouble: Trouble;
}

/** One write of ours, remembered with the clocks just before it was sent. */
export interface Attempt {
  readonly writeId: string;
  readonly sent: ClockReading;
  readonly seen: Snapshot;
  readonly record: LeaseRecord;
}

export interface LeaseListener {
  /** Something not older than what was known has been seen, by whatever way. */
  seen(snapshot: Snapshot, sighting: Exclude<Sighting, 'old'>, now: number, source: Source): void;
  watchBroke(): void;
  contact(): void;
}

/** The lease as this replica sees it and writes it: what is known, the requests that change that, and the watch. */
export class Lease {
  readonly rules: RecordRules;
  readonly vacancy: Vacancy;
  private readonly view: LeaseView;
  private readonly client: LeaseClient;
  private readonly watcher: Watcher | null;

  constructor(
    private readonly setup: CandidacySetup,
    private readonly listener: LeaseListener,
  ) {
    const { identity, timings, handle, clock, chance, trouble, watchTrouble } = setup;
    this.rules = { identity, leaseDuration: timings.leaseDuration, resolution: timings.resolution };
    this.vacancy = new Vacancy({ identity, ...timings });
    this.view = new LeaseView(this.vacancy, timings.leaseDuration);
    this.client = new LeaseClient(handle, clock, timings, trouble, () => listener.contact());
    this.watcher =
      handle.watch === undefined
        ? null
        : new Watcher((signal) => handle.watch!(signal), clock, chance, {
            saw: (snapshot) => {
              checkSnapshot(snapshot);
              watchTrouble.succeeded();
              listener.contact();
              this.see(snapshot, 'watch');
            },
            broke: (cause) => {
              if (cause !== undefined) {
                watchTrouble.failed(cause);
              }
              listener.watchBroke();
            },
          });
  }

  /** Opens the watch. Not in the constructor: a store that throws is heard of at once. */
  watch(): void {
    this.watcher?.start();
  }

  /** `null` before the first answer. */
  get latest(): Snapshot | null {
    return this.view.latest;
  }

  get holder(): string | null {
    return this.view.latest?.lease?.record.holder ?? null;
  }

  get watchIsLive(): boolean {
    return this.watcher?.isLive === true;
  }

  /** Whether the watch is silently dead, if a read begun now brings news. */
  get watchOwesNews(): boolean {
    return this.watcher?.owesNews(this.setup.timings.leaseDuration) === true;
  }

  /** How long a request may take at present, milliseconds. */
  get patience(): number {
    return this.client.timeout.current;
  }

  async read(limit?: number): Promise<Sighting | Failure> {
    const before = this.view.latest;
    const answer = await this.client.read(limit);
    if ('kind' in answer) {
      return answer;
    }
    // The watch was faster: that the answer is older than what it has brought meanwhile says nothing about the store.
    const { latest } = this.view;
    const isOvertaken = latest !== before && answer.token < latest!.token && answer.token >= (before?.token ?? 0n);
    return isOvertaken ? 'same' : this.see(answer, 'read');
  }

  /** An attempt to write what `record` makes, on the strength of what is known now. The clocks are read before it is sent. */
  attempt(record: (writeId: string) => LeaseRecord): Attempt {
    const writeId = this.setup.chance.uuid();
    return { writeId, sent: readClocks(this.setup.clock), seen: this.view.latest!, record: record(writeId) };
  }

  async write(attempt: Attempt, limit?: number): Promise<WriteOutcome> {
    const outcome = await this.client.write(attempt.seen, attempt.record, limit);
    if (outcome.kind === 'applied') {
      this.see(outcome.snapshot, 'write');
    }
    return outcome;
  }

  /** Whether something newer has been seen since `attempt` was made. */
  hasMovedOn(attempt: Attempt): boolean {
    return this.view.latest!.token > attempt.seen.token;
  }

  /** Asks whether the holder is provably dead, and if so opens the lease. */
  async probe(): Promise<void> {
    const { latest } = this.view;
    if ((await this.client.isHolderGone(latest!)) && this.view.latest === latest) {
      this.vacancy.holderIsGone();
    }
  }

  /** Gives up a read or probe under way; a write is awaited, because whether it landed must be known. */
  interrupt(): void {
    this.client.interrupt();
  }

  reopenWatch(): void {
    this.watcher?.reopen();
  }

  close(): void {
    this.watcher?.stop();
  }

  private see(snapshot: Snapshot, source: Source): Sighting {
    const now = this.setup.clock.now();
    const sighting = this.view.see(snapshot, source, now);
    if (sighting !== 'old') {
      this.listener.seen(snapshot, sighting, now, source);
    }
    return sighting;
  }
}
