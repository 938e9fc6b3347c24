import type { LastRequest } from '../exit/exit.js';
import { LeaseClient, type Attempt, type LoopSetup, type Seen } from '../lease/lease-client.js';
import type { TermAnnouncements } from '../work/term-announcements.js';
import { Leader } from './leader.js';
import { release } from './release.js';
import { Standby } from './standby.js';
import { Wakeup } from './wakeup.js';

/**
 * One stretch of standing for the lease, from start to stop. A single loop does the one thing that is due by what is known: at most one
 * request is under way, and whatever arrives meanwhile only changes what is due next.
 */
export class ElectionLoop {
  /** Resolves when nothing of it is left. */
  readonly finished: Promise<void>;
  private stopping: { mayRelease: boolean } | null = null;
  /** A claim of ours that is, or may yet come to be, in the lease, while no term stands behind it. */
  private unconfirmed: Attempt | null = null;
  private readonly wakeup: Wakeup;
  private readonly lease: LeaseClient;
  private readonly standby: Standby;
  private readonly leader: Leader;

  constructor(
    private readonly setup: LoopSetup,
    private readonly terms: TermAnnouncements,
  ) {
    this.wakeup = new Wakeup(setup.clock);
    this.lease = new LeaseClient(setup, (seen) => this.seen(seen));
    this.standby = new Standby(setup, this.lease);
    this.leader = new Leader(setup, this.lease, terms, this.wakeup);
    this.lease.watch();
    this.finished = this.run();
  }

  /** Whether the lease is still held for work that is not done. */
  get isDraining(): boolean {
    return this.leader.held !== null && this.leader.isLeaving;
  }

  get isInformed(): boolean {
    return this.lease.isInformed;
  }

  /** Drains and releases, then stays out for `cooldown`. Resolves when the lease is let go, or kept because the drain timed out. */
  stepDown(cooldown: number): Promise<void> {
    return this.leader.leave('stepped-down', cooldown);
  }

  /** The process ends: see `Leader.depart`. To be stopped next. */
  depart(): (() => LastRequest | null) | null {
    return this.leader.depart();
  }

  /** Never claims the lease again. Resolves when nothing of it is left. */
  stop(mayRelease: boolean): Promise<void> {
    this.stopping = { mayRelease };
    this.lease.interrupt();
    void this.leader.leave('stopped', 0);
    this.poke();
    return this.finished;
  }

  /** Something has changed: look again at what is due. */
  poke(): void {
    this.wakeup.poke();
  }

  private async run(): Promise<void> {
    const { clock, timings, health } = this.setup;
    while (!this.isDone()) {
      try {
        await this.step(clock.now());
      } catch (error) {
        // Nothing that goes wrong here may end the election: the replica would stand by forever.
        health.failed('reading', error);
        await this.wakeup.pause(clock.now() + timings.retryPeriod);
      }
    }
    this.lease.close();
    // Not waited for: nothing holds a shutdown up for longer than its drain.
    if (this.stopping?.mayRelease === true) void this.leader.releaseLate();
  }

  private isDone(): boolean {
    return this.stopping !== null && this.leader.held === null && !this.leader.isLeaving && this.unconfirmed === null;
  }

  private step(now: number): Promise<void> {
    const { leader, standby, wakeup } = this;
    if (leader.owesRelease) return leader.releaseLate();
    if (leader.isDrained) return leader.finishLeaving(this.stopping?.mayRelease ?? true);
    // Asking finds out whether the term has expired, and then it is held no more.
    if (leader.held !== null && leader.held.validity.isOver()) return Promise.resolve();
    if (leader.held !== null) {
      const next = leader.held.next(now);
      if (next.do === 'renew') return leader.held.renew(now);
      if (next.do === 'reread') return leader.held.reread(now);
      return wakeup.pause(next.until);
    }
    if (this.stopping !== null) return this.finishStop(this.stopping.mayRelease);
    const mayClaim = this.setup.candidate && !this.terms.isHeldBack;
    const next = standby.next(now, mayClaim ? leader.mayClaimFrom : Number.POSITIVE_INFINITY);
    if (next.do === 'claim') return this.claim();
    if (next.do === 'read') return standby.read();
    if (next.do === 'probe') return standby.probe(now);
    return wakeup.pause(next.until);
  }

  private async claim(): Promise<void> {
    const result = await this.standby.claim();
    if (result === 'lost') return;
    this.unconfirmed = 'unconfirmed' in result ? result.unconfirmed : result.attempt;
    // Confirmed too late, it begins nothing; our own record is then simply replaced.
    if (!('unconfirmed' in result) && this.stopping === null && this.leader.begin(result)) this.unconfirmed = null;
  }

  /** Stopped while work drains: waits for that. Stopped with an unconfirmed claim: releases it, so that nobody waits for it to expire. */
  private async finishStop(mayRelease: boolean): Promise<void> {
    if (this.leader.isLeaving) return this.wakeup.pause(Number.POSITIVE_INFINITY);
    const unconfirmed = this.unconfirmed;
    this.unconfirmed = null;
    if (unconfirmed !== null && mayRelease)
      await release(this.lease, { unconfirmed }, this.setup, (until) => this.wakeup.pause(until));
  }

  /** All ways of seeing the lease end here: reads, writes of our own, and the watch. */
  private seen(seen: Seen): void {
    const { leader, lease, standby } = this;
    switch (seen.kind) {
      case 'sign':
        return standby.heardSign(seen.now);
      case 'ring':
        if (leader.held === null) standby.rang(seen.snapshot, seen.now);
        else lease.hints.ring(seen.now, seen.snapshot.token);
        break;
      case 'holder gone':
        this.letGoOfRequests(seen.now);
        break;
      case 'watch broke':
        standby.watchBroke(seen.now);
        break;
      case 'state':
        if (seen.isNews) this.news(seen.now, seen.isNewer && seen.snapshot.lease !== null);
        standby.seen(seen.now, seen.source, seen.isNews);
        leader.seen(seen.snapshot, seen.now);
        // A holder's own account is what it has confirmed: edits by hand do not count while it leads.
        this.setup.ticks.saw(seen.snapshot, leader.held !== null);
        this.terms.holderIs(lease.holder);
    }
    this.poke();
  }

  /**
   * A read or probe that hangs must not keep a standby from the lease that has just come free. Otherwise it may finish: giving it up
   * would close the connection on which this replica is to take over.
   */
  private letGoOfRequests(now: number): void {
    const { leader, lease } = this;
    if (leader.held === null && lease.takeover.openFrom <= now) lease.interrupt();
  }

  private news(now: number, isNewWrite: boolean): void {
    const { lease, setup } = this;
    this.letGoOfRequests(now);
    if (lease.takeover.isOwn) return;
    // What the claim was conditional on is gone: it can no longer land.
    this.unconfirmed = null;
    if (isNewWrite) setup.health.othersWrote();
  }
}
