import type { Chance, Clock } from './clock.js';
import { LeaderElectionError, LeaseStoreError } from './errors.js';
import { outsideAnyCall } from './gate.js';
import type { LossReason } from './leadership-term.js';
import type { LeaseRecord } from './lease-record.js';
import { LeaseClient } from './lease-client.js';
import type { LeaseHandle, Snapshot } from './lease-store.js';
import { LeaseView, type Sighting } from './lease-view.js';
import { claimed, released, renewed, type RecordRules } from './records.js';
import { Standby } from './standby.js';
import { Tenure, type Attempt } from './tenure.js';
import { Term, fencingToken } from './term.js';
import type { Timings } from './timings.js';
import type { Trouble } from './trouble.js';
import { Vacancy } from './vacancy.js';
import { Validity, readClocks } from './validity.js';
import { Watcher } from './watcher.js';

/** Label edits make renewals conflict; each is met with a write at once, but a store that always conflicts is not hammered. */
const CONFLICTS_AT_ONCE = 3;

export interface CandidacySetup {
  readonly identity: string;
  readonly timings: Timings;
  readonly candidate: boolean;
  readonly fencingEpoch: number;
  readonly handle: LeaseHandle;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly trouble: Trouble;
}

/** The replica that a candidacy stands for. */
export interface CandidacyHost {
  /** A term has begun: open the gate. */
  began(term: Term): void;
  /** Leads no more. Shuts the gate, aborts and tells before it returns; resolves when the term's work has stopped. */
  ended(term: Term, reason: LossReason): Promise<void>;
  holderIs(holder: string | null): void;
  /** The store answered. */
  contact(): void;
  /** Work of an earlier term outlived its drain: this replica may not lead beside it. */
  isHeldBack(): boolean;
  heldBackBy(work: Promise<void>): void;
}

/**
 * One stretch of standing for the lease, from start to stop. A single loop does the one thing that is due by what is known: at most one
 * request is under way, and whatever arrives meanwhile only changes what is due next.
 */
export class Candidacy {
  readonly finished: Promise<void>;
  lastConfirmed: number | null = null;
  private tenure: Tenure | null = null;
  private departure: Promise<void> | null = null;
  private stopping = false;
  private releaseAtStop = true;
  private onReleased: (() => void) | null = null;
  private asideUntil = Number.NEGATIVE_INFINITY;
  private conflicts = 0;
  /** A leader's failed attempt is repeated no earlier than this. */
  private retryAt = Number.NEGATIVE_INFINITY;
  /** Our write met a newer version that has not been seen yet. */
  private outdated = false;
  private wake: (() => void) | null = null;
  private readonly rules: RecordRules;
  private readonly vacancy: Vacancy;
  private readonly view: LeaseView;
  private readonly standby: Standby;
  private readonly client: LeaseClient;
  private readonly watcher: Watcher | null = null;

  constructor(
    private readonly setup: CandidacySetup,
    private readonly host: CandidacyHost,
  ) {
    const { identity, timings, chance, clock, handle, trouble } = setup;
    this.rules = { identity, leaseDuration: timings.leaseDuration, resolution: timings.resolution };
    this.vacancy = new Vacancy({ identity, ...timings });
    this.view = new LeaseView(this.vacancy, timings.leaseDuration);
    this.standby = new Standby(this.view, this.vacancy, timings, handle, chance);
    this.client = new LeaseClient(handle, clock, timings, trouble, () => host.contact());
    if (handle.watch !== undefined) {
      this.watcher = new Watcher((signal) => handle.watch!(signal), clock, chance, {
        saw: (snapshot) => this.see(snapshot, 'watch'),
        broke: (cause) => this.watchBroke(cause),
      });
      this.watcher.start();
    }
    this.finished = this.run();
  }

  /** The term under which work may be admitted now. */
  leading(): Term | null {
    const { tenure } = this;
    return tenure !== null && tenure.phase === 'leading' && tenure.validity.isValid() ? tenure.term : null;
  }

  /** The term whose lease is held, also while it drains. */
  get holding(): Term | null {
    return this.tenure?.term ?? null;
  }

  /** Drains and releases, then stays out for `cooldown`. Resolves when the lease is let go, or is kept because the drain timed out. */
  stepDown(cooldown: number): Promise<void> {
    return this.letGo('stepped-down', () => {
      this.asideUntil = this.setup.clock.now() + cooldown;
    });
  }

  /** Never contends again. Resolves when nothing of it is left. */
  stop(release: boolean): Promise<void> {
    this.stopping = true;
    this.releaseAtStop = release;
    this.client.interrupt();
    void this.letGo('stopped', () => {});
    this.poke();
    return this.finished;
  }

  private async run(): Promise<void> {
    const { clock, timings, trouble } = this.setup;
    while (!this.stopping || this.tenure !== null || this.departure !== null) {
      try {
        await this.step(clock.now());
      } catch (error) {
        // Nothing that goes wrong here may end the election: the replica would stand by for ever.
        trouble.failed(error);
        await this.pause(clock.now() + timings.retryPeriod);
      }
    }
    this.watcher?.stop();
  }

  private step(now: number): Promise<void> {
    const { tenure } = this;
    if (tenure !== null) {
      return tenure.phase === 'releasing' ? this.release(tenure) : this.hold(tenure, now);
    }
    if (this.stopping) {
      return this.pause(Number.POSITIVE_INFINITY);
    }
    const step = this.standby.next(now, {
      watchIsLive: this.watcher?.isLive === true,
      contendFrom: this.setup.candidate && !this.host.isHeldBack() ? this.asideUntil : Number.POSITIVE_INFINITY,
    });
    switch (step.kind) {
      case 'claim':
        return this.claim();
      case 'read':
        return this.look();
      case 'probe':
        return this.probe();
      case 'wait':
        return this.pause(step.until);
    }
  }

  /** What the holder does next, leading or draining. */
  private hold(tenure: Tenure, now: number): Promise<void> {
    const due = Math.max(this.retryAt, this.outdated ? now : tenure.renewAt);
    if (tenure.validity.isOver()) {
      // Asking has ended the tenure.
      return Promise.resolve();
    }
    if (now < due) {
      return this.pause(Math.min(due, tenure.validity.expiresAt));
    }
    return this.outdated ? this.reread(tenure, now) : this.renew(tenure, now);
  }

  private async renew(tenure: Tenure, now: number): Promise<void> {
    const { clock, timings } = this.setup;
    const attempt = this.attempt((writeId) => renewed(this.rules, tenure.lastSent, writeId, clock.wall()));
    tenure.attempted(attempt);
    const outcome = await this.client.write(attempt.seen, attempt.record, tenure.validity.expiresAt - now);
    switch (outcome.kind) {
      case 'applied':
        this.see(outcome.snapshot, 'write');
        return;
      case 'conflict':
        this.outdated = this.view.latest!.token <= attempt.seen.token;
        if (++this.conflicts > CONFLICTS_AT_ONCE) {
          this.retryAt = now + timings.retryPeriod;
        }
        return;
      case 'rejected': {
        tenure.refused(attempt);
        const left = tenure.validity.expiresAt - clock.now();
        // A server that asks for more patience than the term has left still gets one more try in time.
        this.retryAt = Math.max(now + timings.retryPeriod, clock.now() + Math.min(outcome.retryAfter ?? 0, left / 2));
        return;
      }
      case 'unknown':
        this.retryAt = now + timings.retryPeriod;
    }
  }

  private async reread(tenure: Tenure, now: number): Promise<void> {
    const answer = await this.client.read(tenure.validity.expiresAt - now);
    if ('kind' in answer || this.see(answer, 'read') === 'old') {
      this.retryAt = now + this.setup.timings.retryPeriod;
    }
  }

  private async claim(): Promise<void> {
    const { clock, chance, timings } = this.setup;
    const before = this.view.latest!.lease?.record ?? this.vacancy.lastHeld;
    const term = chance.uuid();
    const attempt = this.attempt((writeId) => claimed(this.rules, before, { term, writeId }, clock.wall()));
    const outcome = await this.client.write(attempt.seen, attempt.record);
    const now = clock.now();
    switch (outcome.kind) {
      case 'applied':
        this.standby.raceWon();
        return this.claimLanded(attempt, outcome.snapshot);
      case 'conflict':
        this.standby.raceLost();
        if (this.view.latest!.token <= attempt.seen.token) {
          this.standby.awaitWinner(now, this.watcher?.isLive === true);
        }
        return;
      case 'rejected':
        this.standby.failed(now, outcome.retryAfter ?? 0);
        return;
      case 'unknown':
        this.standby.lookAgain(now);
        this.standby.holdOff(Math.max(now, attempt.sent.mono + timings.retryPeriod));
        if (this.stopping) {
          await this.releaseOwn(term, true);
        }
    }
  }

  private async claimLanded(attempt: Attempt, snapshot: Snapshot): Promise<void> {
    const { clock, timings, trouble } = this.setup;
    this.see(snapshot, 'write');
    const validity = new Validity(clock, timings.renewDeadline, attempt.sent, {
      onExpired: () => outsideAnyCall(() => this.tenure?.validity === validity && this.lose('expired')),
      onSuspended: () => this.renewNow(),
    });
    if (this.stopping) {
      return this.releaseOwn(attempt.record.term!, false);
    }
    const isNewest =
      this.view.latest!.lease?.version === snapshot.lease!.version && snapshot.token > attempt.seen.token;
    const token = fencingToken(this.setup.fencingEpoch, snapshot.token);
    if (token === null) {
      trouble.failed(
        new LeaderElectionError(
          'TOKEN_OVERFLOW',
          `The store's token ${snapshot.token} is 2^56 or more.`,
          'Move to a new store and raise fencingEpoch.',
        ),
      );
      this.asideUntil = clock.now() + timings.leaseDuration;
      return;
    }
    // Confirmed too late, or somebody has written since: it begins nothing. Our own record is then simply replaced.
    if (!isNewest || !validity.isValid()) {
      return;
    }
    const term = new Term(token, new Date(clock.wall()), validity);
    this.tenure = new Tenure(term, validity, attempt.record.term!, snapshot.lease!, timings.renewInterval, attempt);
    this.conflicts = 0;
    this.outdated = false;
    this.retryAt = Number.NEGATIVE_INFINITY;
    this.lastConfirmed = attempt.sent.wall;
    outsideAnyCall(() => this.host.began(term));
  }

  private async look(): Promise<void> {
    const watched = this.watcher?.isLive === true;
    const answer = await this.client.read();
    const now = this.setup.clock.now();
    if ('kind' in answer) {
      this.standby.failed(now, answer.retryAfter);
      return;
    }
    const sighting = this.see(answer, 'read');
    if (sighting === 'old') {
      this.setup.trouble.failed(
        new LeaseStoreError('STORE_WENT_BACK', 'The lease store shows an older state than before.', STORE_WENT_BACK),
      );
      this.standby.failed(now, 0);
    } else if (sighting === 'news' && watched) {
      // What a read had to find out the watch did not tell: it is silently dead.
      this.watcher?.reopen();
    }
  }

  private async probe(): Promise<void> {
    const { latest } = this.view;
    this.standby.probed(this.setup.clock.now());
    if ((await this.client.isHolderGone(latest!)) && this.view.latest === latest) {
      this.vacancy.holderIsGone();
    }
  }

  /** Lets go of the lease, its work done. What fails here is left to expire: the next holder waits, nobody leads twice. */
  private async release(tenure: Tenure): Promise<void> {
    tenure.validity.end();
    await this.releaseOwn(tenure.id, false);
    this.tenure = null;
    this.onReleased?.();
  }

  /** Writes the release of the term `id`, only over a record of that very term, within one request timeout. */
  private async releaseOwn(id: string, uncertain: boolean): Promise<void> {
    const { clock, timings } = this.setup;
    const until = clock.now() + this.client.timeout.current;
    let mustRead = uncertain;
    for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
      if (mustRead) {
        const answer = await this.client.read(left);
        if ('kind' in answer) {
          await this.pause(clock.now() + timings.retryPeriod / 20);
          continue;
        }
        this.view.see(answer, 'read', clock.now());
      }
      const { lease } = this.view.latest!;
      if (lease?.record.holder !== this.setup.identity || lease.record.term !== id) {
        return;
      }
      const attempt = this.attempt((writeId) => released(this.rules, lease.record, writeId, clock.wall()));
      const outcome = await this.client.write(attempt.seen, attempt.record, until - clock.now());
      if (outcome.kind === 'applied') {
        this.see(outcome.snapshot, 'write');
        return;
      }
      if (outcome.kind === 'rejected') {
        await this.pause(clock.now() + Math.max(outcome.retryAfter ?? 0, timings.retryPeriod / 20));
      }
      mustRead = true;
    }
  }

  private attempt(record: (writeId: string) => LeaseRecord): Attempt {
    const writeId = this.setup.chance.uuid();
    return { writeId, sent: readClocks(this.setup.clock), seen: this.view.latest!, record: record(writeId) };
  }

  private see(snapshot: Snapshot, source: 'read' | 'watch' | 'write'): Sighting {
    const now = this.setup.clock.now();
    const sighting = this.view.see(snapshot, source, now);
    if (sighting === 'old') {
      return sighting;
    }
    this.outdated = false;
    this.host.contact();
    if (sighting === 'news') {
      this.standby.news(now);
    }
    this.standby.looked(now, this.watcher?.isLive === true);
    const { tenure } = this;
    if (tenure !== null && tenure.phase !== 'releasing') {
      const verdict = tenure.judge(snapshot, now);
      if (verdict === 'superseded' || verdict === 'deleted') {
        this.lose(verdict);
      } else if (verdict === 'confirmed') {
        this.conflicts = 0;
        this.lastConfirmed = tenure.lastConfirmedWall;
      }
    }
    this.host.holderIs(this.view.holder);
    this.poke();
    return sighting;
  }

  private watchBroke(cause: unknown): void {
    if (cause !== undefined) {
      this.setup.trouble.failed(cause);
    }
    this.standby.watchBroke(this.setup.clock.now());
    this.poke();
  }

  private lose(reason: Extract<LossReason, 'expired' | 'superseded' | 'deleted'>): void {
    const { tenure } = this;
    if (tenure === null || tenure.phase === 'releasing') {
      return;
    }
    this.tenure = null;
    tenure.validity.end();
    if (tenure.phase === 'leading') {
      outsideAnyCall(() => void this.host.ended(tenure.term, reason));
    }
    this.poke();
  }

  private letGo(reason: 'stepped-down' | 'stopped', gone: () => void): Promise<void> {
    const { tenure } = this;
    if (tenure?.phase === 'leading') {
      // Out until the departure says for how long: a lease lost meanwhile must not be sought again.
      this.asideUntil = Number.POSITIVE_INFINITY;
      tenure.phase = 'draining';
      this.departure = this.depart(
        tenure,
        outsideAnyCall(() => this.host.ended(tenure.term, reason)),
      ).finally(() => {
        this.departure = null;
        gone();
        this.poke();
      });
    }
    return this.departure ?? Promise.resolve();
  }

  private async depart(tenure: Tenure, work: Promise<void>): Promise<void> {
    const drained = await this.settlesInTime(work);
    if (!drained) {
      this.host.heldBackBy(work);
    }
    if (this.tenure !== tenure) {
      return;
    }
    if (!drained || (this.stopping && !this.releaseAtStop)) {
      // Renewed no more and not released either: the work may still act until the term expires by the clocks, and nobody before that.
      this.tenure = null;
      return;
    }
    const released = new Promise<void>((resolve) => (this.onReleased = resolve));
    tenure.phase = 'releasing';
    this.poke();
    await released;
  }

  private settlesInTime(work: Promise<void>): Promise<boolean> {
    const { clock, timings } = this.setup;
    return new Promise((resolve) => {
      const cancel = clock.setTimer(() => resolve(false), timings.drainTimeout);
      void work.then(() => {
        cancel();
        resolve(true);
      });
    });
  }

  private renewNow(): void {
    if (this.tenure !== null) {
      this.tenure.renewAt = this.setup.clock.now();
      this.poke();
    }
  }

  private pause(until: number): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.setup;
      const cancel =
        until === Number.POSITIVE_INFINITY ? undefined : clock.setTimer(() => this.poke(), until - clock.now());
      this.wake = () => {
        cancel?.();
        resolve();
      };
    });
  }

  /** Something has changed: look again at what is due. */
  poke(): void {
    const { wake } = this;
    this.wake = null;
    wake?.();
  }
}

const STORE_WENT_BACK = {
  advice:
    'If it was restored from a backup, raise fencingEpoch by one on all replicas: its tokens have gone back as well.',
};
