import type { Clock } from '../clock/clock.js';
import { LeaderElectionError } from '../errors.js';
import { MOST_AHEAD } from './tick-rules.js';

/** What the store's own clock shows, where it shows one. Wall clocks are compared here and nowhere else, and only for ticks: who leads never depends on them. */
export class StoreTime {
  private shown: { readonly time: number; readonly at: number } | null = null;

  constructor(private readonly clock: Clock) {}

  /** An answer of the store was stamped with `time`, milliseconds since the epoch. */
  saw(time: number): void {
    this.shown = { time, at: this.clock.now() };
  }

  /** The store's time now; `null`: it has shown none. */
  now(): number | null {
    return this.shown && this.shown.time + this.clock.now() - this.shown.at;
  }

  /** No tick after this instant can have been claimed by anybody who kept to the rules. */
  get lastClaimable(): number {
    const storeNow = this.now();
    return Math.floor(storeNow === null ? this.clock.wall() : storeNow + MOST_AHEAD);
  }

  /** Why no tick may be claimed now; `null` if the clocks agree. */
  disagreement(): LeaderElectionError | null {
    const storeNow = this.now();
    if (storeNow === null) return null;
    const ahead = this.clock.wall() - storeNow;
    if (Math.abs(ahead) <= MOST_AHEAD) return null;
    const [seconds, way] = [Math.round(Math.abs(ahead) / 1000), ahead > 0 ? 'ahead of' : 'behind'];
    return new LeaderElectionError(
      'TICKS_HELD',
      `This machine's clock is ${seconds} s ${way} the clock of the lease store: no tick of a job starts.`,
      'Let both follow the same time server (NTP). Ticks go on by themselves once the clocks agree within a minute.',
    );
  }
}
