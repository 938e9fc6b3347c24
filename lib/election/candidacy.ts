import type { CandidacyHost } from './candidacy-host.js';
import { Contention } from './contention.js';
import { Incumbency } from './incumbency.js';
import { Lease, type Attempt, type CandidacySetup } from './lease.js';
import type { Snapshot } from './lease-store.js';
import type { Sighting, Source } from './lease-view.js';
import { Pacer } from './pacer.js';
import { release } from './release.js';
import { Standby } from './standby.js';
import type { Tenure } from './tenure.js';
import type { Term } from './term.js';

/**
 * One stretch of standing for the lease, from start to stop. A single loop does the one thing that is due by what is known: at most one
 * request is under way, and whatever arrives meanwhile only changes what is due next.
 */
export class Candidacy {
  readonly finished: Promise<void>;
  private stopping: { release: boolean } | null = null;
  /** A claim that is, or may yet come to be, in the lease, while no term stands behind it. */
  private adrift: Attempt | null = null;
  private readonly pacer: Pacer;
  private readonly lease: Lease;
  private readonly standby: Standby;
  private readonly contention: Contention;
  private readonly incumbency: Incumbency;

  constructor(
    private readonly setup: CandidacySetup,
    private readonly host: CandidacyHost,
  ) {
    this.pacer = new Pacer(setup.clock);
    this.lease = new Lease(setup, {
      seen: (...what) => this.seen(...what),
      watchBroke: () => this.watchBroke(),
      contact: () => host.contact(),
    });
    this.standby = new Standby(this.lease, setup.timings, setup.handle, setup.chance);
    this.contention = new Contention(setup, this.lease, this.standby);
    this.incumbency = new Incumbency(setup, this.lease, host, this.pacer);
    this.lease.watch();
    this.finished = this.run();
  }

  /** The term under which work may be admitted now. */
  leading(): Term | null {
    return this.incumbency.leading();
  }

  /** The lease as it is held, also while it drains. */
  get held(): Tenure | null {
    return this.incumbency.held;
  }

  /** Drains and releases, then stays out for `cooldown`. Resolves when the lease is let go, or kept because the drain timed out. */
  stepDown(cooldown: number): Promise<void> {
    return this.incumbency.letGo('stepped-down', cooldown);
  }

  /** Never contends again. Resolves when nothing of it is left. */
  stop(release: boolean): Promise<void> {
    this.stopping = { release };
    this.incumbency.releases = release;
    this.lease.interrupt();
    void this.incumbency.letGo('stopped', 0);
    this.poke();
    return this.finished;
  }

  /** Something has changed: look again at what is due. */
  poke(): void {
    this.pacer.poke();
  }

  private async run(): Promise<void> {
    const { clock, timings, trouble } = this.setup;
    while (!this.isDone()) {
      try {
        await this.step(clock.now());
      } catch (error) {
        // Nothing that goes wrong here may end the election: the replica would stand by for ever.
        trouble.failed(error);
        await this.pacer.pause(clock.now() + timings.retryPeriod);
      }
    }
    this.lease.close();
  }

  private isDone(): boolean {
    const { held, departure } = this.incumbency;
    return this.stopping !== null && held === null && !departure.isUnderWay && this.adrift === null;
  }

  private step(now: number): Promise<void> {
    const { held, departure } = this.incumbency;
    if (held !== null) {
      return this.incumbency.step(held, now);
    }
    if (this.stopping !== null) {
      return departure.isUnderWay ? this.pacer.pause(Number.POSITIVE_INFINITY) : this.abandon(this.stopping.release);
    }
    const mayContend = this.setup.candidate && !this.host.isHeldBack();
    const step = this.standby.next(now, mayContend ? departure.asideUntil : Number.POSITIVE_INFINITY);
    switch (step.kind) {
      case 'claim':
        return this.claim();
      case 'read':
        return this.contention.look();
      case 'probe':
        this.standby.probed(now);
        return this.lease.probe();
      case 'wait':
        return this.pacer.pause(step.until);
    }
  }

  private async claim(): Promise<void> {
    const result = await this.contention.claim();
    if (result === 'lost') {
      return;
    }
    this.adrift = 'adrift' in result ? result.adrift : result.attempt;
    // Confirmed too late, it begins nothing; our own record is then simply replaced.
    if (!('adrift' in result) && this.stopping === null && this.incumbency.begin(result)) {
      this.adrift = null;
    }
  }

  /** Stopped with a claim adrift: nobody must wait for it to expire. */
  private async abandon(mayRelease: boolean): Promise<void> {
    const { adrift } = this;
    this.adrift = null;
    if (adrift !== null && mayRelease) {
      await release(this.lease, adrift, this.setup, (until) => this.pacer.pause(until));
    }
  }

  private seen(snapshot: Snapshot, sighting: Exclude<Sighting, 'old'>, now: number, source: Source): void {
    if (sighting === 'news') {
      this.standby.news(now, source);
      if (this.incumbency.held === null && this.lease.vacancy.openFrom <= now) {
        // A read or probe that hangs must not keep a standby from the lease that has just come free. Otherwise it is let finish:
        // giving it up would close the connection on which this replica is to take over.
        this.lease.interrupt();
      }
      if (!this.lease.vacancy.isOwn) {
        // What the claim was conditional on is gone: it can land no more.
        this.adrift = null;
      }
    }
    this.standby.looked(now, this.lease.watchIsLive);
    this.incumbency.seen(snapshot, now);
    this.host.holderIs(this.lease.holder);
    this.poke();
  }

  private watchBroke(): void {
    this.standby.watchBroke(this.setup.clock.now());
    this.poke();
  }
}
