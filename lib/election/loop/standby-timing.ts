import type { Chance } from '../clock/clock.js';
import type { Timings } from '../rules/timings.js';

const NARROWEST_WINDOW = 4;
const WIDEST_WINDOW = 250;

/**
 * When a standby looks for itself, and how long it hesitates before it takes a free lease. All of it is jittered, because standbys share
 * their triggers.
 *
 * While the watch brings the leader's renewals, a standby asks nothing. Silence for twice the leader's observed rhythm proves nothing,
 * but is a reason to read. Without a watch a standby polls. All standbys learn of a release in the same instant: one must be instant, a
 * hundred must not stampede. So the window of hesitation doubles with each race that this replica lost and halves with each that it won.
 */
export class StandbyTiming {
  /** Between the leader's renewals, as observed. */
  private interval: number;
  /** What it is at least: our own, in proportion to how long its lease lasts. */
  private shortest: number;
  private lastNews: number | null = null;
  private window = NARROWEST_WINDOW;

  constructor(
    private readonly timings: Timings,
    private readonly chance: Chance,
  ) {
    this.interval = this.shortest = timings.renewInterval;
  }

  /**
   * The leader was seen to write. What only a read brought tells our own rhythm, which would slow down with itself. Ticks make a leader
   * write more often than it must: by its own rhythm a standby would take every pause between them for silence, and read.
   */
  news(now: number, asItHappened: boolean, duration = 0): void {
    const { renewInterval, leaseDuration } = this.timings;
    this.shortest = renewInterval * Math.max(1, duration / leaseDuration);
    if (asItHappened && this.lastNews !== null) {
      const heard = Math.min(now - this.lastNews, leaseDuration / 2);
      this.interval = Math.max(this.interval + (heard - this.interval) / 4, this.shortest);
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
  hesitation(): number {
    return this.chance.random() * this.window;
  }

  lostRace(): void {
    this.window = Math.min(this.window * 2, WIDEST_WINDOW);
  }

  wonRace(): void {
    this.window = Math.max(this.window / 2, NARROWEST_WINDOW);
  }

  /** Who has won may be learned a little later: a hundred losers would ask at once. */
  unhurried(): number {
    return 50 + 200 * this.chance.random();
  }

  /** By when a read is due although a watch that nobody vouches for tells of renewals. */
  longestTrustInHints(): number {
    return this.timings.leaseDuration * (1 - 0.2 * this.chance.random());
  }
}
