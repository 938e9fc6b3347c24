import { hostname } from 'node:os';
import { Subject, merge, type Observable } from 'rxjs';
import { Candidacy, type CandidacyHost } from './candidacy.js';
import type { Chance, Clock } from './clock.js';
import type { Election, RunOptions, TermHandlers } from './election.js';
import { settlesWithin } from './deadline.js';
import { ElectionStoppedError, LeaderElectionConfigError, NotLeaderError } from './errors.js';
import { Gate, outsideAnyCall } from './gate.js';
import type { LeadershipTerm, LossReason } from './leadership-term.js';
import type { LeaseHandle } from './lease-store.js';
import { unfailing, type ElectionLog } from './log.js';
import { checkOptions, type ElectionOptions } from './options.js';
import { Replay } from './replay.js';
import type { ElectionRole, ElectionStatus } from './status.js';
import { systemChance, systemClock } from './system-clock.js';
import type { Term } from './term.js';
import { TermNotices } from './term-notices.js';
import { resolveTimings, type Timings } from './timings.js';
import { Trouble, inWords } from './trouble.js';
import { whenLeader } from './when-leader.js';

/** What a {@link LeaderElector} is made of. Only `options` is needed; clock and chance are for tests. */
export interface LeaderElectorSetup {
  /** Of the election, for logs and errors. Default `default`. */
  name?: string;
  /** Checked by the constructor. */
  options: ElectionOptions;
  /** Told of each term, in order; `onTerms` adds more. */
  handlers?: TermHandlers;
  /** Default: silent. */
  log?: ElectionLog;
  /** Default: the clocks of this machine. */
  clock?: Clock;
  /** Default: that of this machine. */
  chance?: Chance;
}

const SILENT: ElectionLog = { log() {}, warn() {}, error() {} };

/** Leader election without Nest. Construction checks the options and does no I/O; `start()` begins to stand. */
export class LeaderElector implements Election {
  readonly name: string;
  readonly identity: string;
  readonly leadership$: Observable<boolean>;
  readonly term$: Observable<LeadershipTerm | null>;
  readonly leader$: Observable<string | null>;
  /** The durations in force, derived and checked. */
  readonly timings: Timings;

  private readonly options: ElectionOptions;
  private readonly clock: Clock;
  private readonly chance: Chance;
  private readonly log: ElectionLog;
  private readonly handle: LeaseHandle;
  private readonly trouble: Trouble;
  private readonly watchTrouble: Trouble;
  private readonly gate: Gate;
  private readonly notices: TermNotices;
  private readonly leadership = new Replay(false);
  private readonly term = new Replay<LeadershipTerm | null>(null);
  private readonly leader = new Replay<string | null>(null);
  private readonly stops = new Subject<void>();
  /** A term that the wall clock had suspended goes on; `term$` stays silent about it. */
  private readonly resumes = new Subject<LeadershipTerm>();

  private candidacy: Candidacy | null = null;
  private stopping: Promise<void> | null = null;
  private wanted = false;
  /** Settles when the work of the last term that ended has stopped. */
  private lastWork: Promise<void> = Promise.resolve();
  private shutDown = false;
  private heldBack = 0;
  private terms = 0;
  private confirmedAt: number | null = null;
  private contactAt: { mono: number; wall: number } | null = null;

  /** @throws LeaderElectionConfigError naming every option that is wrong, and the rule that it breaks */
  constructor(setup: LeaderElectorSetup) {
    checkOptions(setup.options);
    this.options = setup.options;
    this.name = setup.name ?? 'default';
    this.clock = setup.clock ?? systemClock;
    this.chance = setup.chance ?? systemChance;
    this.log = unfailing(setup.log ?? SILENT);
    this.timings = resolveTimings(setup.options);
    // Two replicas with one identity would take each other's writes for their own: the suffix is not optional.
    this.identity = `${setup.options.identity ?? hostname()}_${this.chance.uuid()}`;
    this.handle = setup.options.store.open(
      { name: setup.options.leaseName, namespace: setup.options.namespace },
      this.log,
    );
    this.trouble = new Trouble(this.clock, this.log, this.name);
    this.watchTrouble = new Trouble(this.clock, this.log, this.name, 'the watch of the lease');
    this.gate = new Gate(this.name, () => this.candidacy?.leading() ?? null);
    this.notices = new TermNotices(this.gate, this.clock, this.timings, this.trouble);
    if (setup.handlers !== undefined) {
      this.notices.add(setup.handlers);
    }
    this.leadership$ = this.leadership.changes$;
    this.term$ = this.term.changes$;
    this.leader$ = this.leader.changes$;
  }

  isLeader(): boolean {
    return this.candidacy !== null && this.candidacy.leading() !== null;
  }

  currentTerm(): LeadershipTerm | null {
    return this.gate.joinedTerm() ?? this.candidacy?.leading() ?? null;
  }

  requireTerm(): LeadershipTerm {
    const term = this.currentTerm();
    if (term === null || !term.isValid()) {
      throw new NotLeaderError(this.name);
    }
    return term;
  }

  /**
   * The term under which a call made here and now may run, `null` on a standby. For wrappers that must keep a synchronous shape.
   * @throws NotLeaderError inside admitted work whose term is over
   */
  admit(): LeadershipTerm | null {
    return this.gate.enter();
  }

  /** Runs `work` under a term that `admit()` gave, tracked until what it returns settles. Returns what it returns. */
  track<T>(term: LeadershipTerm, work: () => T): T {
    return this.gate.run(term, work);
  }

  async runIfLeader<T>(
    work: (term: LeadershipTerm) => T | Promise<T>,
    options: RunOptions = {},
  ): Promise<T | undefined> {
    const term = this.admit();
    if (term !== null) {
      return this.track(term, () => work(term));
    }
    if (options.onStandby === 'throw') {
      throw new NotLeaderError(this.name);
    }
    return undefined;
  }

  whenLeader(signal?: AbortSignal): Promise<LeadershipTerm> {
    return this.shutDown
      ? Promise.reject(new ElectionStoppedError(this.name))
      : whenLeader(this.name, merge(this.term$, this.resumes), this.stops, signal);
  }

  async stepDown(options: { cooldown?: number } = {}): Promise<void> {
    const cooldown = options.cooldown ?? 2 * this.timings.retryPeriod;
    if (!(cooldown >= 0)) {
      throw new LeaderElectionConfigError(`cooldown is ${inWords(cooldown)} but must be milliseconds, 0 or more.`);
    }
    const released = outsideAnyCall(() => this.candidacy?.stepDown(cooldown) ?? Promise.resolve());
    return this.unlessItWaitsForItself(released);
  }

  /** Adds handlers of terms. Returns the way to take them off. */
  onTerms(handlers: TermHandlers): () => void {
    return this.notices.add(handlers);
  }

  async start(): Promise<void> {
    this.wanted = !this.shutDown;
    this.standIfWanted();
  }

  private standIfWanted(): void {
    // During a stop a start takes effect once the lease is let go, unless another stop follows: the last call wins.
    if (!this.wanted || this.candidacy !== null) {
      return;
    }
    outsideAnyCall(() => {
      this.candidacy = new Candidacy(
        {
          identity: this.identity,
          timings: this.timings,
          candidate: this.options.candidate ?? true,
          fencingEpoch: this.options.fencingEpoch ?? 0,
          handle: this.handle,
          clock: this.clock,
          chance: this.chance,
          trouble: this.trouble,
          watchTrouble: this.watchTrouble,
        },
        this.host,
      );
    });
  }

  stop(): Promise<void> {
    this.wanted = false;
    const { candidacy } = this;
    if (candidacy !== null && this.stopping === null) {
      // Set before anybody is told: a subscriber that starts or stops on hearing of it meets a stop under way.
      this.stopping = candidacy.finished
        .then(() => this.outlastLostWork())
        .then(() => {
          this.candidacy = this.stopping = null;
          this.standIfWanted();
        });
      outsideAnyCall(() => void candidacy.stop(this.options.releaseOnShutdown ?? true));
    }
    outsideAnyCall(() => this.stops.next());
    return this.unlessItWaitsForItself(this.stopping ?? Promise.resolve());
  }

  /** Stops for good: completes the streams and never starts again. */
  async shutdown(): Promise<void> {
    this.shutDown = true;
    await this.stop();
    this.leadership.complete();
    this.term.complete();
    this.leader.complete();
  }

  status(): ElectionStatus {
    const { options, contactAt, candidacy } = this;
    const confirmed = this.lastConfirmed();
    return {
      name: this.name,
      leaseName: options.leaseName,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      identity: this.identity,
      role: this.role(),
      leader: this.leader.value,
      term: candidacy?.leading()?.toJSON() ?? null,
      lastConfirmedWrite: confirmed === null ? null : new Date(confirmed).toISOString(),
      lastContact: contactAt === null ? null : new Date(contactAt.wall).toISOString(),
      sinceContact: contactAt === null ? null : Math.round(this.clock.now() - contactAt.mono),
      lastError: this.trouble.lastError ?? this.watchTrouble.lastError,
      store: options.store.name ?? 'custom',
      running: this.gate.count,
      terms: this.terms,
    };
  }

  private lastConfirmed(): number | null {
    this.confirmedAt = this.candidacy?.held?.lastConfirmedWall ?? this.confirmedAt;
    return this.confirmedAt;
  }

  private role(): ElectionRole {
    if (this.candidacy === null) {
      return this.shutDown ? 'stopped' : 'idle';
    }
    if (this.isLeader()) {
      return 'leader';
    }
    // Suspended by the wall clock it leads nobody, and drains nothing either.
    return this.candidacy.held === null || this.candidacy.held.phase === 'leading' ? 'standby' : 'draining';
  }

  /** A caller inside admitted work is itself what the release waits for: it goes on once all other work is done. */
  private unlessItWaitsForItself(released: Promise<void>): Promise<void> {
    return this.gate.hasCaller() ? Promise.race([released, this.gate.idle(true)]) : released;
  }

  private readonly host: CandidacyHost = {
    began: (term) => this.began(term),
    ended: (term, reason) => (this.lastWork = this.ended(term, reason)),
    resumed: (term) => this.resumes.next(term),
    holderIs: (holder) => this.leader.set(holder),
    contact: () => (this.contactAt = { mono: this.clock.now(), wall: this.clock.wall() }),
    isHeldBack: () => this.heldBack > 0,
    heldBackBy: (work) => this.holdBack(work),
  };

  private began(term: Term): void {
    this.terms += 1;
    this.trouble.newTerm();
    this.log.log(`${this.name}: this replica leads, fencing token ${term.fencingToken}.`);
    this.notices.tellAcquired(term);
    this.term.set(term);
    // A subscriber may have ended it on hearing of it.
    if (!term.signal.aborted) {
      this.leadership.set(true);
    }
  }

  private ended(term: Term, reason: LossReason): Promise<void> {
    this.lastConfirmed();
    term.abort(reason);
    this.leadership.set(false);
    this.term.set(null);
    this.log.log(`${this.name}: this replica leads no more (${reason}), fencing token was ${term.fencingToken}.`);
    return this.notices.tellLost(term, reason).then(() => this.gate.idle());
  }

  /** Work that goes on after an involuntary loss is drained before the application takes down what it works with. */
  private async outlastLostWork(): Promise<void> {
    if (this.heldBack === 0) {
      await settlesWithin(this.clock, this.timings.drainTimeout, this.lastWork);
    }
  }

  private holdBack(work: Promise<void>): void {
    this.heldBack += 1;
    this.log.error(
      `${this.name}: ${this.gate.count} calls still run after ${this.timings.drainTimeout} ms. The lease is left to expire and this replica stays out until they end.`,
    );
    void work.finally(() => {
      this.heldBack -= 1;
      this.candidacy?.poke();
    });
  }
}
