import type { CancelTimer, Chance, Clock } from '../clock/clock.js';
import { pauseAskedFor } from './answers.js';
import { isLeaderElectionError } from '../errors.js';
import type { Snapshot } from '../lease-store.js';

const SHORTEST_PAUSE = 100;
/** After an outage the watch is what makes the next handover instant, so it is not kept waiting for long. */
const LONGEST_PAUSE = 3_000;
/** A watch that lasted this long worked. */
const STEADY = 10_000;
/** Rights are granted by people. */
const LONGEST_PAUSE_WHEN_REFUSED = 30_000;

export interface WatchListener {
  saw(snapshot: Snapshot): void;
  /** The watch ended or threw: what it would have shown is unknown. `cause` is undefined when it merely ended. */
  broke(cause: unknown): void;
}

/** Keeps one watch open and reopens it, jittered, backing off while it yields nothing. */
export class LeaseWatcher {
  private controller: AbortController | null = null;
  private cancelPause: CancelTimer | null = null;
  private pause = SHORTEST_PAUSE;
  private yielded = false;
  private hasBroken = false;
  private openedAt = 0;

  constructor(
    private readonly open: (signal: AbortSignal) => AsyncIterable<Snapshot>,
    private readonly clock: Clock,
    private readonly chance: Chance,
    /** However long the store asks to be left alone, the watch is tried again after so many milliseconds. */
    private readonly longestAskedPause: number,
    private readonly listener: WatchListener,
  ) {}

  /** Whether it has shown something since it was opened. Even then its silence proves nothing. */
  get isLive(): boolean {
    return this.yielded;
  }

  /** Whether it has shown something, or could not: it was refused, or ended at once. */
  get hasAnswered(): boolean {
    return this.yielded || this.hasBroken;
  }

  /** Whether it should have told by now what a read had to find out: then it is silently dead. One that was only just opened may still connect. */
  owesNews(patience: number): boolean {
    return this.controller !== null && (this.yielded || this.clock.now() - this.openedAt >= patience);
  }

  start(): void {
    this.openedAt = this.clock.now();
    const controller = (this.controller = new AbortController());
    void this.follow(controller);
  }

  stop(): void {
    this.cancelPause?.();
    this.cancelPause = null;
    this.yielded = false;
    const { controller } = this;
    this.controller = null;
    controller?.abort();
  }

  reopen(): void {
    // It is closed and will be opened after the pause that the store asked for.
    if (this.controller === null) return;
    this.stop();
    this.start();
  }

  private async follow(controller: AbortController): Promise<void> {
    let cause: unknown;
    try {
      for await (const snapshot of this.open(controller.signal)) {
        if (this.controller !== controller) return;
        this.yielded = true;
        this.listener.saw(snapshot);
      }
    } catch (error) {
      cause = error;
    }
    if (this.controller !== controller) return;
    this.hasBroken = true;
    // Not merely because it showed something: one that shows the state and ends would be reopened ten times a second.
    if (this.yielded && this.clock.now() - this.openedAt >= STEADY) this.pause = SHORTEST_PAUSE;
    this.stop();
    const askedFor = pauseAskedFor(cause, this.longestAskedPause);
    const pause = askedFor + this.pause * (0.5 + this.chance.random());
    this.cancelPause = this.clock.setTimer(() => this.start(), pause);
    const refused = isLeaderElectionError(cause) && cause.code === 'STORE_FORBIDDEN';
    this.pause = Math.min(this.pause * 2, refused ? LONGEST_PAUSE_WHEN_REFUSED : LONGEST_PAUSE);
    this.listener.broke(cause);
  }
}
