import { settlesWithin } from '../clock/settles-within.js';
import type { LastRequest } from '../exit/exit.js';
import type { LoopSetup, LeaseClient } from '../lease/lease-client.js';
import type { Snapshot } from '../lease-store.js';
import { LeaderValidity } from '../rules/leader-validity.js';
import { TermLedger } from '../ticks/term-ledger.js';
import type { LossReason } from '../leadership-term.js';
import { outsideAnyCall } from '../work/outside-any-call.js';
import { Term } from '../work/term.js';
import type { TermAnnouncements } from '../work/term-announcements.js';
import { HeldLease } from './held-lease.js';
import { release } from './release.js';
import type { WonClaim } from './standby.js';
import type { Wakeup } from './wakeup.js';

/** A holder on its way out: its gate is shut, and its work drains while the lease is still renewed. */
interface Leaving {
  readonly cooldown: number;
  /** Whether the work has stopped, or has had its time. */
  isDrained: boolean;
  /** Resolves when the lease is let go, or kept because the drain timed out. */
  readonly done: Promise<void>;
  finish(): void;
}

/** A lease that is left to expire, because work has outlived its drain. */
interface Abandoned {
  readonly held: HeldLease;
  readonly work: Promise<void>;
  hasEnded: boolean;
}

/** Holding the lease: a term from the claim that begins it to its loss, or through its drain to its release. */
export class Leader {
  /** The lease as it is held, also while it drains. */
  held: HeldLease | null = null;
  private leaving: Leaving | null = null;
  private abandoned: Abandoned | null = null;
  /** Until then, after a step-down, the lease is left to others. */
  private cooledDownAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly setup: LoopSetup,
    private readonly lease: LeaseClient,
    private readonly terms: TermAnnouncements,
    private readonly wakeup: Wakeup,
  ) {}

  get isLeaving(): boolean {
    return this.leaving !== null;
  }

  /** The work has stopped, or has had its time: the lease is to be let go next. */
  get isDrained(): boolean {
    return this.leaving?.isDrained === true;
  }

  /** The work that kept the lease from being released has ended, and its term has not. */
  get owesRelease(): boolean {
    return this.abandoned?.hasEnded === true;
  }

  /** Monotonic instant from which this replica may claim the lease again; Infinity while it is leaving. */
  get mayClaimFrom(): number {
    return this.isLeaving ? Number.POSITIVE_INFINITY : this.cooledDownAt;
  }

  /** Begins a term. False if the claim was confirmed too late to begin anything. */
  begin({ attempt, snapshot, token }: WonClaim): boolean {
    const { clock, timings, health, ticks } = this.setup;
    const validity: LeaderValidity = new LeaderValidity(clock, timings.renewDeadline, attempt.sent, (doubt) => {
      if (doubt === 'expired') return this.lose(held, 'expired');
      held.renewNow();
      this.wakeup.poke();
    });
    const term = new Term(token, new Date(clock.wall()), validity);
    const ledger = new TermLedger(ticks, term, attempt.record.term!, snapshot, attempt.record.ledger, {
      clock,
      health,
      renewInterval: timings.renewInterval,
      isAdmitting: () => this.terms.current() === term,
    });
    const held = new HeldLease(term, validity, this.lease, this.setup, snapshot.lease!, attempt, ledger);
    if (!validity.isValid()) return false;
    this.held = held;
    health.confirmedWrite(attempt.sent.wall);
    this.setup.exit?.stayLast();
    outsideAnyCall(() => this.terms.began(term));
    return true;
  }

  /** What has been seen of the lease may confirm the term, or end it at once. */
  seen(snapshot: Snapshot, now: number): void {
    const { held } = this;
    if (held === null || this.isDrained) return;
    const verdict = held.judge(snapshot, now);
    if (verdict === 'superseded' || verdict === 'deleted') return this.lose(held, verdict);
    if (verdict === 'edited') return;
    if (verdict === 'resumed') outsideAnyCall(() => this.terms.resumed(held.term));
    held.ledger.wasConfirmed(held.writtenLedger, snapshot);
    this.setup.health.confirmedWrite(held.confirmedWall);
    this.setup.exit?.stayLast();
  }

  /** Shuts the gate before it returns, and drains. Resolves when the lease is let go, or kept because the drain timed out. */
  leave(reason: 'stepped-down' | 'stopped', cooldown: number): Promise<void> {
    const { held, terms } = this;
    if (this.leaving !== null || held === null) return this.leaving?.done ?? Promise.resolve();
    let finish!: () => void;
    const done = new Promise<void>((resolve) => (finish = resolve));
    // Set before anybody is told: whoever steps down on hearing of it waits for this departure.
    const leaving: Leaving = (this.leaving = { cooldown, isDrained: false, done, finish });
    const work = outsideAnyCall(() => terms.ended(held.term, reason));
    void this.drain(held, work).then(() => {
      leaving.isDrained = true;
      this.wakeup.poke();
    });
    return done;
  }

  /**
   * The process ends: the term is over before this returns, whether it led or drained. Returns what lets go of the lease; `null` where
   * there is nothing to let go, or it has to be waited out.
   */
  depart(): (() => LastRequest | null) | null {
    const { held, leaving, setup, terms } = this;
    // Being released already, it is not sent twice.
    if (held === null || held.validity.isOver()) return null;
    // Before anybody is told, who might finish what the ledger then claims to be open.
    const last = held.lastWrite();
    this.held = this.leaving = null;
    held.validity.end();
    if (leaving === null) {
      const work = outsideAnyCall(() => terms.ended(held.term, 'stopped'));
      // For a process that lives on: it may not lead beside this work.
      void this.drain(held, work);
    } else {
      leaving.finish();
    }
    return last && (() => setup.handle.replaceAtExit?.(last.seen, last.record) ?? null);
  }

  /** The end of leaving, once it is drained: releases what is still held, if it may, and stays out for the cooldown. */
  async finishLeaving(mayRelease: boolean): Promise<void> {
    const { held, leaving, setup } = this;
    if (held !== null) {
      held.validity.end();
      if (mayRelease) await release(this.lease, { held }, setup, (until) => this.wakeup.pause(until));
    }
    this.held = this.leaving = null;
    this.cooledDownAt = setup.clock.now() + leaving!.cooldown;
    leaving!.finish();
  }

  /** Waits until the work ends that kept the lease from being released, and lets it go after all, if the term has not run out by then. */
  async releaseLate(): Promise<void> {
    const { abandoned, setup } = this;
    if (abandoned === null) return;
    const { held, work } = abandoned;
    const inTime = await settlesWithin(setup.clock, held.validity.remaining(), work);
    this.abandoned = null;
    if (!inTime || !held.validity.isValid()) return;
    held.validity.end();
    await release(this.lease, { held }, setup, (until) => this.wakeup.pause(until));
  }

  /** Resolves when the work has stopped, or has had its time. */
  private async drain(held: HeldLease, work: Promise<void>): Promise<void> {
    const { clock, timings } = this.setup;
    const inTime = await settlesWithin(clock, timings.drainTimeout, work);
    // Neither renewed nor released: undrained work may act until the term expires by the clocks, and nobody else before that.
    if (!inTime) this.abandon(held, work);
  }

  private abandon(held: HeldLease, work: Promise<void>): void {
    if (this.held === held) {
      this.held = null;
      const abandoned: Abandoned = (this.abandoned = { held, work, hasEnded: false });
      void work.finally(() => (abandoned.hasEnded = true));
    }
    this.terms.holdBack(work);
  }

  private lose(held: HeldLease, reason: Extract<LossReason, 'expired' | 'superseded' | 'deleted'>): void {
    if (this.held !== held || this.isDrained) return;
    this.held = null;
    held.validity.end();
    if (!this.isLeaving) outsideAnyCall(() => void this.terms.ended(held.term, reason));
    this.wakeup.poke();
  }
}
