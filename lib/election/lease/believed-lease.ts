import { isSameWrite } from '../lease-record.js';
import type { Snapshot } from '../lease-store.js';
import type { TakeoverTime } from '../rules/takeover-time.js';

/** By which way a snapshot came. */
export type Source = 'read' | 'watch' | 'write';

/** `news`: the lease says something new; `same`: nothing, or only what stands beside the record; `old`: older than what is known. */
export type Sighting = 'news' | 'same' | 'old';

/** What the watch showed. `sign`: the holder lives; `ring`: something else may have changed, which only a read can tell. */
export type WatchSighting = Sighting | 'sign' | 'ring';

/** Hints that a single read has to clear up: more than that only a forger sends. */
const MOST_HINTS = 64;

/**
 * What this replica knows of the lease. Snapshots arrive by three ways and out of order; tokens order them.
 *
 * A read is linearizable, so it decides. A watch is a hint: it may replay (a stale server behind it), and where the store does not vouch
 * for it, anybody may have sent what it shows. Such a hint rings; at most it extends what is known of the holder's life, until the
 * next read. It never opens the lease, names another holder, or ends, confirms or resumes a term.
 */
export class BelievedLease {
  private known: Snapshot | null = null;
  /** An older state than what is known, as reads have shown it since. */
  private behind: { readonly since: number; readonly shownSince: number; readonly snapshot: Snapshot } | null = null;
  /** A read was older than what is known: its watch may go on telling the history that the store has lost. */
  private astray = false;
  /** What the watch showed last, since it was opened or reopened. */
  private watched: Snapshot | null = null;
  /** Writes that hints have told of since the last read was sent, and when each was first heard of. */
  private readonly heard = new Map<string, number>();
  /** A read has not shown what a hint before it told of: somebody lies. Signs of life count for nothing until a read shows one. */
  private liedTo = false;

  constructor(
    private readonly takeover: TakeoverTime,
    /** Whether the store vouches for its watch. */
    private readonly isVouched: boolean,
  ) {}

  get latest(): Snapshot | null {
    return this.known;
  }

  /** Reads and watch tell different histories: reads decide alone, until both agree again. */
  get isAstray(): boolean {
    return this.astray;
  }

  /** Whether the watch has told of the state that is known. */
  get watchHasToldIt(): boolean {
    const { known, watched } = this;
    return known !== null && watched !== null && isSameState(known, watched);
  }

  /** The watch was reopened: what it showed before counts no more. */
  watchReopened(): void {
    this.watched = null;
  }

  /** The watch shows something. */
  hint(snapshot: Snapshot, now: number): WatchSighting {
    const { known } = this;
    this.watched = snapshot;
    if (this.astray) {
      this.astray = !this.watchHasToldIt;
      return this.astray ? 'ring' : 'old';
    }
    if (known === null ? !this.isVouched || snapshot.lease === null : isReplayed(snapshot, known)) {
      // Before the first read, which is due in any case, it tells nothing that the read will not tell.
      return 'old';
    }
    // An absence is left to a read even here: whoever believes in it creates the lease anew, beside a holder that believes on.
    if (this.isVouched && snapshot.lease !== null) return this.take(snapshot, now);
    if (snapshot.lease === null || snapshot.lease.record.holder === null || !isSameTerm(known, snapshot)) return 'ring';
    if (this.liedTo) return 'old';
    this.hear(snapshot.lease.record.writeId, now);
    this.takeover.hint(now, snapshot.token);
    return 'sign';
  }

  /** A read or a write of our own was answered; it was sent at `sentAt`. */
  see(snapshot: Snapshot, source: 'read' | 'write', now: number, sentAt: number): Sighting {
    const { known } = this;
    if (known !== null && snapshot.token < known.token) {
      if (source === 'write') return 'old';
      this.astray = true;
      return this.wentBack(snapshot, now);
    }
    this.behind = null;
    const sighting = this.take(snapshot, this.heard.get(snapshot.lease?.record.writeId ?? '') ?? now, now);
    if (source === 'read') this.settleHints(sentAt, snapshot.token, sighting);
    return sighting;
  }

  /** `writtenBy`: the instant by which the write that it shows had been sent, as far as is known. */
  private take(snapshot: Snapshot, writtenBy: number, now = writtenBy): Sighting {
    if (!isSameTerm(this.known, snapshot)) {
      // What was hinted of its holder speaks for nobody else.
      this.takeover.forgetHints();
    }
    this.known = snapshot;
    if (this.watchHasToldIt) this.astray = false;
    return this.takeover.see(snapshot, now, writtenBy) ? 'news' : 'same';
  }

  /**
   * A store restored from a backup shows older tokens from now on, a stale replica of it only for a while. Believing the first at once
   * would believe the second; never believing it would need a restart. So what it shows is believed after the longest duration for which
   * somebody may still trust what it has lost, and counts as seen from when it was first shown.
   */
  private wentBack(snapshot: Snapshot, now: number): Sighting {
    const before = this.behind;
    const isNew = before === null || !isSameRecord(before.snapshot, snapshot);
    this.behind = {
      since: before?.since ?? now,
      shownSince: isNew ? now : before.shownSince,
      snapshot,
    };
    const { since, shownSince } = this.behind;
    if (now - since < this.takeover.longestDuration) return 'old';
    this.behind = null;
    this.heard.clear();
    return this.take(asOf(snapshot, now - shownSince), shownSince, shownSince);
  }

  private hear(writeId: string | null, now: number): void {
    if (writeId === null || this.heard.has(writeId)) return;
    if (this.heard.size === MOST_HINTS) {
      // Forgotten, it is dated from the read: later, which waits longer.
      this.heard.delete(this.heard.keys().next().value!);
    }
    this.heard.set(writeId, now);
  }

  /** What was heard before the read was sent is either shown by it, or was a lie. */
  private settleHints(sentAt: number, token: bigint, sighting: Sighting): void {
    const settled = [...this.heard].filter(([, at]) => at <= sentAt);
    for (const [writeId] of settled) this.heard.delete(writeId);
    // Every hint was newer than what was known, so a read after a true one brings news. Without this rule a flood of lies would keep a
    // dead holder alive: each read would void the hints before it, and the next would be there before the claim.
    this.liedTo = sighting === 'news' ? false : this.liedTo || settled.length > 0;
    this.takeover.settleHints(sentAt, token);
  }
}

/** The same snapshot as it would have been answered `earlier` milliseconds ago: its age is counted from when the answer arrived. */
function asOf({ lease, token }: Snapshot, earlier: number): Snapshot {
  if (lease?.age === undefined) return { lease, token };
  return { lease: { ...lease, age: Math.max(0, lease.age - earlier) }, token };
}

/** A server that lags tells old news again. One that may not list has no token of its own for an absent lease and repeats the last. */
function isReplayed(snapshot: Snapshot, known: Snapshot): boolean {
  return (
    snapshot.token < known.token || (snapshot.token === known.token && snapshot.lease?.version === known.lease?.version)
  );
}

function isSameState(a: Snapshot, b: Snapshot): boolean {
  return a.lease === null || b.lease === null
    ? a.lease === b.lease && a.token === b.token
    : a.lease.version === b.lease.version && isSameWrite(a.lease.record, b.lease.record);
}

function isSameRecord({ lease: a }: Snapshot, { lease: b }: Snapshot): boolean {
  return a === null || b === null ? a === b : a.uid === b.uid && isSameWrite(a.record, b.record);
}

/** Whether both show the same holder in the same term: the one has at most renewed the other. */
export function isSameTerm(before: Snapshot | null, { lease }: Snapshot): boolean {
  const held = before?.lease;
  return (
    lease?.uid === held?.uid && lease?.record.holder === held?.record.holder && lease?.record.term === held?.record.term
  );
}
