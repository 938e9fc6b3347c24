import { Subject } from 'rxjs';
import type { Leaver } from '../exit/exit.js';
import { withStallDetector } from '../clock/stall-detector.js';
import type { LoopSetup } from '../lease/lease-client.js';
import type { LeadershipLog } from '../report/leadership-log.js';
import type { ElectionRole } from '../report/status.js';
import { outsideAnyCall } from '../work/outside-any-call.js';
import { TermAnnouncements, type TermAnnouncementsSetup } from '../work/term-announcements.js';
import { ElectionLoop } from './election-loop.js';

export interface LifecycleSetup {
  readonly releaseOnShutdown: boolean;
  readonly loop: LoopSetup;
  readonly work: Pick<TermAnnouncementsSetup, 'gate' | 'handlers' | 'log'>;
}

/** Starts and stops of one replica: each start is a new election loop, and the last call wins. */
export class Lifecycle implements Leaver {
  readonly terms: TermAnnouncements;
  readonly stops = new Subject<void>();
  isShutDown = false;

  private readonly loopSetup: LoopSetup;
  private readonly log: LeadershipLog;
  private loop: ElectionLoop | null = null;
  private stopping: Promise<void> | null = null;
  private isWanted = false;
  private firstStartedAt = Number.POSITIVE_INFINITY;
  private hasBeenReady = false;
  private wasWanted = false;
  private leaveExit: (() => void) | null = null;

  constructor(private readonly setup: LifecycleSetup) {
    const { clock, timings, identity, health } = setup.loop;
    this.log = setup.work.log;
    this.terms = new TermAnnouncements(
      { ...setup.work, identity, clock, health, drainTimeout: timings.drainTimeout },
      () => this.loop?.poke(),
    );
    const watchedClock = withStallDetector(clock, timings.retryPeriod, (since) => this.stalled(since));
    this.loopSetup = { ...setup.loop, clock: watchedClock };
    setup.loop.ticks.changes.subscribe(() => this.loop?.poke());
  }

  get role(): ElectionRole {
    if (this.loop === null) return this.isShutDown ? 'stopped' : 'idle';
    if (this.terms.current() !== null) return 'leader';
    // A term that the wall clock has suspended admits nothing, and drains nothing either.
    return this.loop.isDraining ? 'draining' : 'standby';
  }

  /**
   * Whether it could take over as soon as the lease is free. Once true it stays true. A store that does not answer must not keep every new
   * replica from becoming ready, and with them a rollout that may be the cure: so a lease duration after the start it counts as ready.
   */
  get isReady(): boolean {
    const { candidate, clock, timings } = this.setup.loop;
    this.hasBeenReady ||=
      !candidate || this.loop?.isInformed === true || clock.now() - this.firstStartedAt >= timings.leaseDuration;
    return this.hasBeenReady;
  }

  start(): void {
    this.firstStartedAt = Math.min(this.firstStartedAt, this.setup.loop.clock.now());
    this.isWanted = !this.isShutDown;
    this.standIfWanted();
  }

  /** Resolves when the lease is let go. During a stop a start takes effect after it, unless another stop follows. */
  stop(): Promise<void> {
    this.isWanted = false;
    const { loop } = this;
    if (loop !== null && this.stopping === null) {
      // Set before anybody is told: a subscriber that starts or stops on hearing of it meets a stop under way.
      this.stopping = loop.finished
        .then(() => this.terms.outlastLostWork())
        .then(() => {
          this.loop = this.stopping = null;
          this.leaveExit?.();
          this.standIfWanted();
        });
      outsideAnyCall(() => void loop.stop(this.setup.releaseOnShutdown));
    }
    outsideAnyCall(() => this.stops.next());
    return this.stopping ?? Promise.resolve();
  }

  depart(): ReturnType<Leaver['depart']> {
    this.wasWanted = this.isWanted;
    const farewell = this.loop?.depart() ?? null;
    void this.stop();
    return farewell;
  }

  survived(): void {
    this.log.survivedExit();
    if (this.wasWanted) this.start();
  }

  stepDown(cooldown: number): Promise<void> {
    return outsideAnyCall(() => this.loop?.stepDown(cooldown) ?? Promise.resolve());
  }

  /** From here on no start counts. */
  shutDown(): void {
    this.isShutDown = true;
  }

  private standIfWanted(): void {
    if (!this.isWanted || this.loop !== null) return;
    outsideAnyCall(() => {
      this.loop = new ElectionLoop(this.loopSetup, this.terms);
      this.leaveExit = this.loopSetup.exit?.join(this) ?? null;
    });
  }

  /** Told if it hit a leader, with what became of the term. A standby misses nothing by it. */
  private stalled(since: number): void {
    const leads = this.terms.current() !== null;
    if (leads || this.terms.expiredAt >= since) this.log.stalled(this.setup.loop.clock.now() - since, leads);
  }
}
