import type { Contender } from '../world/contender.js';
import type { Stored, Writer } from '../world/lease-service.js';
import { isOurs, Process } from '../world/process.js';
import type { Excuse } from './excuses.js';

export type Verdict =
  { kind: 'fine' } | { kind: 'early'; why: string } | { kind: 'excused'; why: Excuse; forMs: number };

const FINE: Verdict = { kind: 'fine' };
/** Floating point and the half millisecond of timer resolution. */
const TOLERANCE = 0.01;

/** What a process has learned of the lease. */
interface Knowledge {
  /** Of the renewals of the present holder, the newest. */
  revision: number;
  newest: number;
  /** The longest duration that it has seen of the present holder, or of a renewal that has only been edited since, seconds. */
  longest: number;
  renewTime: number;
  readonly holders: { readonly at: number; readonly holder: string }[];
}

/** Who last wrote the lease as its holder, and what a successor may know of it: tells whether a takeover keeps the rule of the lease. */
export class Incumbency {
  private identity = '';
  private at = 0;
  /** When that write was sent. */
  private sentAt = 0;
  /** Longest duration recorded for the holder's last write, seconds. */
  private seconds = 0;
  private ownSeconds = 0;
  /** True time of the holder's last write that shows in whole seconds, which is all that client-go sees. */
  private visibleAt = 0;
  private revision = 0;
  /** Of the holder's renewal before its last. */
  private earlier = 0;
  /** Of the write with which the holder took it, and when it did. */
  private claimed = 0;
  private begunAt = 0;
  /** Revision at which the lease was created, the first time or again. */
  private born = 0;
  private released = true;
  /** What others did to it since the holder's last write; when it was deleted or emptied. */
  private removedAt = Number.POSITIVE_INFINITY;
  private shortened = false;
  /** Revisions that show a renewal of this holder with less than it had claimed. */
  private readonly curtailed = new Set<number>();
  /** client-go has emptied the lease of a foreign holder: nobody can tell that from the holder's own release. */
  private lookalike = false;
  private readonly knowledge = new Map<Process, Knowledge>();

  constructor(
    private readonly find: (identity: string) => Contender | undefined,
    private readonly store: {
      age: boolean;
      probe: string;
      crashProof?: number;
      marks: string;
      staleRead: number;
      isForged: boolean;
    },
  ) {}

  learned(process: Process, stored: Stored, at: number): void {
    let known = this.knowledge.get(process);
    if (!known)
      this.knowledge.set(process, (known = { revision: 0, newest: 0, longest: 0, renewTime: 0, holders: [] }));
    // What arrives after something newer is dropped, and rightly.
    if (stored.revision < known.newest) return;
    known.newest = stored.revision;
    if (!stored.object) return;
    const { holder, durationSeconds, renewTime } = stored.object;
    const isSameHolder = holder === known.holders.at(-1)?.holder;
    const isEdited = known.renewTime === (renewTime ?? 0);
    known.longest = isSameHolder || isEdited ? Math.max(known.longest, durationSeconds) : durationSeconds;
    known.renewTime = renewTime ?? 0;
    if (holder !== '' && !isSameHolder) known.holders.push({ at, holder });
    if (stored.revision > known.revision && stored.revision <= this.revision && !this.curtailed.has(stored.revision))
      known.revision = stored.revision;
  }

  changed(before: Stored, after: Stored, by: Writer, now: number): Verdict {
    const next = after.object;
    if (!(by instanceof Process) || !next) {
      this.tamper(after, now);
      return FINE;
    }
    if (next.holder === '') {
      // A release by its holder; anybody else's is judged elsewhere.
      if (before.object?.holder === this.identity && by.identity === this.identity) {
        this.released = true;
      } else {
        this.removedAt = Math.min(this.removedAt, now);
        // Without its mark ours looks like a foreign one.
        this.lookalike = !isOurs(by.identity) && (!isOurs(this.identity) || this.store.marks !== 'kept');
      }
      return FINE;
    }
    const verdict = next.holder === this.identity || this.released ? FINE : this.takeover(by, after, now);
    if (!before.object) this.born = after.revision;
    const second = (object: Stored['object']): number => Math.trunc((object?.renewTime ?? 0) / 1000);
    if (next.holder !== this.identity || second(next) !== second(before.object)) this.visibleAt = now;
    this.earlier = next.holder === this.identity ? this.revision : after.revision;
    if (next.holder !== this.identity || this.released) {
      this.claimed = after.revision;
      this.begunAt = now;
    }
    this.identity = next.holder;
    this.at = now;
    this.sentAt = after.sentAt;
    this.seconds = this.ownSeconds = next.durationSeconds;
    this.revision = after.revision;
    this.released = false;
    this.untouched();
    return verdict;
  }

  private takeover(by: Process, { object, sentAt }: Stored, now: number): Verdict {
    const incumbent = this.find(this.identity);
    const dead = !incumbent?.process?.alive && isOurs(this.identity);
    const { rate } = by.machine.clocks;
    const due = (this.seconds * 1000) / (this.store.age ? Math.max(1, rate) : rate);
    const waited = now - this.at;
    // One that is proven dead keeps its lease for the first duration of its term.
    if (dead && this.store.crashProof !== undefined && now - this.begunAt >= due - TOLERANCE) return FINE;
    if (waited >= due - TOLERANCE || (dead && this.store.probe !== 'none')) return FINE;
    const why = `${by.identity} takes the lease of ${this.identity} ${waited.toFixed(0)} ms after its last write, due after ${due.toFixed(0)}`;
    const excused = (excuse: Excuse): Verdict => ({ kind: 'excused', why: excuse, forMs: this.seconds * 1000 * 1.5 });
    // A foreign holder, or client-go looking at whole seconds: who has waited since the last change that shows has kept the rule.
    const waitedVisibly = now - this.visibleAt >= due - TOLERANCE;
    if (!isOurs(by.identity)) return waitedVisibly ? FINE : excused('client-go took it early');
    if (!isOurs(this.identity) && waitedVisibly) return excused('client-go renewed it without a trace');
    // Its holder counts from when it sent the write, too: P1 holds.
    if (this.store.isForged && now - this.sentAt >= due - TOLERANCE)
      return { kind: 'excused', why: 'a write that a forger told of before it landed', forMs: 0 };
    // Nobody can wait out what it never could know of: deleted, emptied or shortened before this process saw it.
    const known = this.knowledge.get(by);
    const seen = known?.revision ?? 0;
    // One that held it last, as far as it knew when it wrote, need not wait for itself; that another led between, the deletion has hidden.
    const heldBy = known?.holders.findLast((one) => one.at <= sentAt)?.holder;
    const heldItself = heldBy === undefined || heldBy === by.identity;
    // Absent before and absent after: that somebody created it between, and perhaps after this write was sent, does not show.
    const unseen = seen < this.born || sentAt < this.removedAt;
    // A holder that it has never seen may have claimed the lease for longer than any duration it knows of.
    const unheardOf = seen < this.claimed && (object?.durationSeconds ?? 0) < this.seconds;
    // Lengthened by hand, and removed or shortened again, before it saw the former.
    const told = Math.max(this.ownSeconds, known?.longest ?? 0);
    const hasWaitedAsTold = waited >= (due * told) / this.seconds - TOLERANCE;
    if (this.removedAt <= now && (heldItself || unseen || unheardOf || hasWaitedAsTold))
      return excused('a lease removed by hand');
    // Where reads are stale, a replica may rightly believe neither them nor the watch, and then has not seen what it was shown.
    const maySeeLess = seen < this.earlier || hasWaitedAsTold || this.store.staleRead > 0;
    if (this.shortened && maySeeLess) return excused('a duration shortened by hand');
    if (this.lookalike) return excused('client-go emptied it of a foreign holder');
    return { kind: 'early', why };
  }

  /** It stands again as a newcomer does, who has seen nothing yet. */
  forgets(process: Process): void {
    this.knowledge.delete(process);
  }

  /** The store has gone back: what anybody knew is of a history that is lost. */
  restored({ object, revision }: Stored, now: number): void {
    this.knowledge.clear();
    this.curtailed.clear();
    this.identity = object?.holder ?? '';
    this.released = object === null || object.holder === '';
    this.at = this.visibleAt = now;
    this.seconds = this.ownSeconds = object?.durationSeconds ?? 0;
    this.revision = this.earlier = this.claimed = this.born = revision;
    this.untouched();
  }

  /** Somebody with kubectl deleted, emptied, took or edited it. */
  private tamper(after: Stored, now: number): void {
    const { object } = after;
    if (object && object.holder === this.identity) {
      this.seconds = Math.max(this.seconds, object.durationSeconds);
      if (object.durationSeconds < this.ownSeconds) {
        this.shortened = true;
        this.curtailed.add(after.revision);
      }
      return;
    }
    this.removedAt = Math.min(this.removedAt, now);
    if (object && object.holder !== '') {
      // Whoever believed in it trusts it for as long as before.
      this.seconds = Math.max(this.released ? 0 : this.seconds, object.durationSeconds);
      this.ownSeconds = object.durationSeconds;
      this.identity = object.holder;
      this.at = now;
      this.revision = this.claimed = after.revision;
      this.released = false;
      this.untouched();
      this.shortened = this.ownSeconds < this.seconds;
      if (this.shortened) this.curtailed.add(after.revision);
      else this.earlier = after.revision;
    }
  }

  private untouched(): void {
    this.removedAt = Number.POSITIVE_INFINITY;
    this.shortened = this.lookalike = false;
  }
}
