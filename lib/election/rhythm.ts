import type { Chance } from './clock.js';
import type { Timings } from './timings.js';

/**
 * When a standby looks for itself. While the watch brings the leader's renewals it asks nothing; silence for twice the leader's
 * observed rhythm proves nothing but is reason to read. Without a watch it polls. All of it jittered: standbys share their triggers.
 */
export class Rhythm {
  private interval: number;
  private lastNews: number | null = null;

  constructor(
    private readonly timings: Timings,
    private readonly chance: Chance,
  ) {
    this.interval = timings.renewInterval;
  }

  /** The leader was seen to write. What only a read brought tells our own rhythm, which would slow down with itself. */
  news(now: number, asItHappened: boolean): void {
    if (asItHappened && this.lastNews !== null) {
      const heard = Math.min(now - this.lastNews, this.timings.leaseDuration / 2);
      this.interval = Math.max(this.interval + (heard - this.interval) / 4, this.timings.renewInterval / 4);
    }
    this.lastNews = now;
  }

  /** Pause before a read while the watch is alive. */
  silence(): number {
    return 2 * this.interval * (1 + 0.2 * this.chance.random());
  }

  /** Pause between reads without a watch, and after failures: client-go's retry period with its jitter. */
  poll(): number {
    return this.timings.retryPeriod * (1 + 1.2 * this.chance.random());
  }

  /** Pause before a read after the watch broke: soon, yet not all at once when a server drops a hundred watches. */
  afterBreak(): number {
    return (this.timings.retryPeriod / 4) * this.chance.random();
  }

  /** The instant from which a renewal counts as missed. */
  get missedFrom(): number {
    return this.lastNews === null ? Number.NEGATIVE_INFINITY : this.lastNews + 1.5 * this.interval;
  }
}
