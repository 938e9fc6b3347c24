import type { Snapshot } from './lease-store.js';
import type { Vacancy } from './vacancy.js';

/** By which way a snapshot came. */
export type Source = 'read' | 'watch' | 'write';

/** `news`: the lease says something new; `same`: nothing, or only what stands beside the record; `old`: older than what is known. */
export type Sighting = 'news' | 'same' | 'old';

/**
 * What this replica knows of the lease. Snapshots arrive by three ways and out of order; tokens order them. A watch may replay
 * (a stale server behind it), so what it shows must be newer than what is known; a read is linearizable and wins.
 */
export class LeaseView {
  private known: Snapshot | null = null;
  private behindSince: number | null = null;

  constructor(
    private readonly vacancy: Vacancy,
    /** How long reads must have shown an older state before it is believed that the store went back. */
    private readonly patience: number,
  ) {}

  get latest(): Snapshot | null {
    return this.known;
  }

  see(snapshot: Snapshot, source: Source, now: number): Sighting {
    const { known } = this;
    if (known !== null && this.isOlder(snapshot, known, source)) {
      if (source !== 'read' || !this.wentBack(now)) {
        return 'old';
      }
    }
    this.behindSince = null;
    this.known = snapshot;
    return this.vacancy.see(snapshot, now) ? 'news' : 'same';
  }

  private isOlder(snapshot: Snapshot, known: Snapshot, source: Source): boolean {
    if (snapshot.token !== known.token) {
      return snapshot.token < known.token;
    }
    // A store that may not list has no token of its own for an absent lease and repeats the last one: then a read decides.
    return source !== 'read' && snapshot.lease?.version === known.lease?.version;
  }

  /**
   * A store restored from a backup shows older tokens for ever, a stale replica of it only for a while. Believing the first at once
   * would believe the second; never believing it would need a restart.
   */
  private wentBack(now: number): boolean {
    this.behindSince ??= now;
    return now - this.behindSince >= this.patience;
  }
}
