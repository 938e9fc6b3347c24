import { LeaderElectionError, LeaseStoreError } from '../errors.js';
import type { Snapshot } from '../lease-store.js';
import type { Source } from '../lease/believed-lease.js';
import { claimed } from '../lease/next-record.js';
import { ledgerOfClaim } from '../ticks/opening-ledger.js';
import { unexplainedConflict, type Attempt, type LoopSetup, type LeaseClient } from '../lease/lease-client.js';
import { fencingToken } from '../work/term.js';
import { StandbyTiming } from './standby-timing.js';

/** What a standby does next. `until`: monotonic milliseconds. */
export type StandbyStep = { do: 'read' } | { do: 'probe' } | { do: 'claim' } | { do: 'wait'; until: number };

/** A claim that stands: the lease is ours, written by `attempt`, with the term's fencing token. */
export interface WonClaim {
  readonly attempt: Attempt;
  readonly snapshot: Snapshot;
  readonly token: bigint;
}

/** How a claim ended. `unconfirmed`: its write is in the lease, or may yet come to be, but it begins no term. */
export type ClaimResult = WonClaim | 'lost' | { readonly unconfirmed: Attempt };

/** A replica that does not lead: when it looks, when it claims the lease, and what it makes of the answers. */
export class Standby {
  /** No request before this instant: a failure was just seen. */
  private notBefore = Number.NEGATIVE_INFINITY;
  /** The store asked to be left alone until then. */
  private refusedUntil = Number.NEGATIVE_INFINITY;
  private readAt = Number.NEGATIVE_INFINITY;
  private probeAt = Number.NEGATIVE_INFINITY;
  private claimAt: number | null = null;
  /** A write showed that what is known is out of date: nothing is claimed on the strength of it. */
  private isOutdated = false;
  /** By then a read is due, whatever a watch that nobody vouches for tells. */
  private readBy = Number.POSITIVE_INFINITY;
  /** The hesitation was before the read that a ring asked for: what that read shows may be claimed at once. */
  private hasHesitated = false;
  private mayClaimAtOnce = false;
  /** A claim that brought a ledger has failed, and none has succeeded since. */
  private isPlainNext = false;
  /** What our last claim was conditional on when it met a conflict. */
  private refused: Snapshot | null = null;
  private readonly timing: StandbyTiming;
  private readonly probeInterval: number | null;

  constructor(
    private readonly setup: LoopSetup,
    private readonly lease: LeaseClient,
  ) {
    const { handle, timings, chance } = setup;
    this.timing = new StandbyTiming(timings, chance);
    this.probeInterval = handle.isHolderGone === undefined ? null : (handle.holderProbeInterval ?? 0);
  }

  /** `claimFrom`: from when on this replica may claim the lease; Infinity: it only looks. */
  next(now: number, claimFrom: number): StandbyStep {
    if (now < this.notBefore) {
      // A ring asks for a read, and for nothing else: a forger who rings must not make refused claims follow each other at once.
      const readFrom = Math.max(this.refusedUntil, this.lease.hints.readAt);
      return now >= readFrom ? { do: 'read' } : { do: 'wait', until: Math.min(this.notBefore, readFrom) };
    }
    const claimAt = this.nextClaim(now, claimFrom);
    // Where nothing but hints has kept it from being claimed earlier, a read comes first: anybody may have sent those.
    if (now >= claimAt) return { do: this.lease.takeover.isHeldByHints ? 'read' : 'claim' };
    const readAt = Math.min(this.readAt, this.lease.hints.readAt);
    if (now >= readAt) return { do: 'read' };
    const probeAt = this.nextProbe(now, claimFrom);
    if (now >= probeAt) return { do: 'probe' };
    return { do: 'wait', until: Math.min(claimAt, readAt, probeAt) };
  }

  async read(): Promise<void> {
    const { lease, setup } = this;
    const owed = lease.watchOwesNews;
    const answer = await lease.read();
    if (typeof answer === 'object') {
      if (!answer.interrupted) this.pause(answer.retryAfter);
    } else if (answer === 'same' && this.refused?.token === lease.latest!.token) {
      // The store refuses writes that are conditional on what it shows: no race was lost, and none can be won.
      setup.health.failed('writing', unexplainedConflict());
      this.pause(0);
    } else if (answer === 'old') {
      this.pause(0);
    } else if (answer === 'news' && owed && !lease.watchHasToldIt) {
      // A read had to find out what the watch did not tell: it is silently dead.
      lease.reopenWatch();
    }
  }

  probe(now: number): Promise<void> {
    this.probeAt = now + (this.probeInterval || this.setup.timings.retryPeriod);
    return this.lease.probe();
  }

  async claim(): Promise<ClaimResult> {
    const { lease, setup, timing } = this;
    const { clock, chance, timings, ticks } = setup;
    const before = lease.latest!.lease?.record ?? lease.takeover.lastHeld;
    const term = chance.uuid();
    const wall = clock.wall();
    const ledger = this.isPlainNext ? undefined : ledgerOfClaim(ticks, lease.latest!, wall);
    const attempt = lease.attempt((writeId) => claimed(lease.rules, before, { term, writeId }, wall, ledger));
    const outcome = await lease.write(attempt);
    // A store that takes the lease and not the ledger must not leave it without a holder: the next claim goes without.
    const hasNewLedger = ledger !== undefined && ledger !== attempt.seen.lease?.record.ledger;
    if (hasNewLedger) this.isPlainNext = outcome.kind === 'rejected' || outcome.kind === 'unknown';
    else if (outcome.kind === 'applied') this.isPlainNext = false;
    const now = clock.now();
    switch (outcome.kind) {
      case 'applied':
        this.forgetClaim();
        timing.wonRace();
        return this.won(attempt, outcome.snapshot);
      case 'conflict':
        this.forgetClaim();
        timing.lostRace();
        if (!lease.hasMovedOn(attempt)) {
          this.refused = attempt.seen;
          // The winner's record is on its way by a live watch: asking for it would make a hundred losers ask at once.
          this.readAgain(lease.watchIsLive ? now + timing.unhurried() : now);
        }
        return 'lost';
      case 'rejected':
        this.pause(outcome.retryAfter ?? 0);
        return 'lost';
      case 'unknown':
        // It may have landed or not: read before anything else.
        this.readAgain(now);
        this.notBefore = Math.max(now, attempt.sent.mono + timings.retryPeriod);
        return { unconfirmed: attempt };
    }
  }

  /** A read, a write or the watch showed something: the next look of our own may wait. News undoes what was planned before it. */
  seen(now: number, source: Source, isNews: boolean): void {
    if (isNews) this.news(now, source);
    this.isOutdated = false;
    this.readBy = this.lease.isWatchVouched ? Number.POSITIVE_INFINITY : now + this.timing.longestTrustInHints();
    this.lookNext(now, source === 'watch');
  }

  /** The watch hints that the holder lives. */
  heardSign(now: number): void {
    this.timing.news(now, true, this.lease.latest?.lease?.record.duration);
    if (!this.isOutdated) this.lookNext(now, true);
  }

  /** The watch hints that the lease has changed hands. All standbys hear of a release at once, and the first to read it takes it. */
  rang(snapshot: Snapshot, now: number): void {
    const isFree = snapshot.lease === null || snapshot.lease.record.holder === null;
    this.hasHesitated = isFree;
    this.lease.hints.ring(now + (isFree ? this.timing.hesitation() : this.timing.unhurried()), snapshot.token);
  }

  watchBroke(now: number): void {
    this.readAt = Math.min(this.readAt, now + this.timing.afterBreak());
  }

  private news(now: number, source: Source): void {
    this.claimAt = null;
    this.mayClaimAtOnce = this.hasHesitated;
    this.hasHesitated = false;
    // The store is there: a release must not wait for the end of a pause that an earlier failure began.
    this.notBefore = this.refusedUntil;
    this.timing.news(now, source === 'watch', this.lease.latest?.lease?.record.duration);
  }

  private won(attempt: Attempt, snapshot: Snapshot): ClaimResult {
    const { setup } = this;
    const storeToken = snapshot.token;
    if (storeToken <= attempt.seen.token) {
      // Two terms under one token would fence nobody. The next write will fare no better: not in a tight loop.
      const message = `The lease store wrote, and its token stayed at ${storeToken}.`;
      setup.health.failed('writing', new LeaseStoreError('STORE_BAD_DATA', message));
      this.pause(0);
      return { unconfirmed: attempt };
    }
    if (this.lease.latest!.lease?.version !== snapshot.lease!.version) return { unconfirmed: attempt };
    const token = fencingToken(setup.fencingEpoch, storeToken);
    if (token !== null) return { attempt, snapshot, token };
    const message = `The store's token ${storeToken} is 2^56 or more: no term can begin.`;
    const advice = 'Move the lease to a new store and raise fencingEpoch by one.';
    setup.health.failed('writing', new LeaderElectionError('TOKEN_OVERFLOW', message, advice));
    this.notBefore = setup.clock.now() + setup.timings.leaseDuration;
    return { unconfirmed: attempt };
  }

  private forgetClaim(): void {
    this.claimAt = null;
    this.mayClaimAtOnce = false;
  }

  private readAgain(at: number): void {
    this.isOutdated = true;
    this.claimAt = null;
    this.readAt = at;
  }

  /** After a failure. */
  private pause(retryAfter: number): void {
    const now = this.setup.clock.now();
    this.refusedUntil = now + retryAfter;
    this.notBefore = Math.max(this.refusedUntil, now + this.timing.poll());
  }

  private lookNext(now: number, byWatch: boolean): void {
    const { lease, timing } = this;
    if (lease.watchIsLive) this.readAt = Math.min(this.readBy, now + timing.silence());
    // A read is owed since one failed. Events come faster than polls, and would put it off again and again.
    else if (byWatch) this.readAt = Math.min(this.readAt, now + timing.poll());
    else this.readAt = now + timing.poll();
  }

  private nextClaim(now: number, claimFrom: number): number {
    const { latest, takeover } = this.lease;
    if (latest === null || this.isOutdated) return Number.POSITIVE_INFINITY;
    const openFrom = Math.max(takeover.openFrom, claimFrom);
    if (now < openFrom) {
      this.forgetClaim();
      return openFrom;
    }
    this.claimAt ??= takeover.isOwn || this.mayClaimAtOnce ? now : now + this.timing.hesitation();
    return this.claimAt;
  }

  /** Cheap stores are asked all the time; over a network only after a missed renewal, once per retry period. */
  private nextProbe(now: number, claimFrom: number): number {
    const isHeld = this.lease.holder !== null && now < this.lease.takeover.openFrom;
    if (this.probeInterval === null || !isHeld || claimFrom === Number.POSITIVE_INFINITY)
      return Number.POSITIVE_INFINITY;
    return this.probeInterval > 0 ? this.probeAt : Math.max(this.probeAt, this.timing.missedFrom);
  }
}
