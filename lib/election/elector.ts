import { hostname } from 'node:os';
import { merge, type Observable } from 'rxjs';
import { Chronicle } from './chronicle.js';
import type { Chance, Clock } from './clock.js';
import type { Election, RunOptions, TermHandlers } from './election.js';
import { ElectionStoppedError, LeaderElectionConfigError, NotLeaderError } from './errors.js';
import { Gate } from './gate.js';
import type { LeadershipTerm } from './leadership-term.js';
import { unfailing, type ElectionLog } from './log.js';
import { checkOptions, type ElectionOptions } from './options.js';
import { Replica } from './replica.js';
import type { ElectionStatus } from './status.js';
import { systemChance, systemClock } from './system-clock.js';
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
  private readonly trouble: Trouble;
  private readonly watchTrouble: Trouble;
  private readonly gate: Gate;
  private readonly notices: TermNotices;
  private readonly replica: Replica;

  /** @throws LeaderElectionConfigError naming every option that is wrong, and the rule that it breaks */
  constructor(setup: LeaderElectorSetup) {
    const { options, clock = systemClock, chance = systemChance } = setup;
    checkOptions(options);
    const log = unfailing(setup.log);
    this.options = options;
    this.clock = clock;
    this.name = setup.name ?? 'default';
    this.timings = resolveTimings(options);
    // Two replicas with one identity would take each other's writes for their own: the suffix is not optional.
    this.identity = `${options.identity ?? hostname()}_${chance.uuid()}`;
    this.trouble = new Trouble(clock, log, this.name);
    this.watchTrouble = new Trouble(clock, log, this.name, 'the watch of the lease');
    this.gate = new Gate(this.name, () => this.replica.leading());
    this.notices = new TermNotices(this.gate, clock, this.timings, this.trouble);
    this.replica = new Replica({
      releaseOnShutdown: options.releaseOnShutdown ?? true,
      gate: this.gate,
      notices: this.notices,
      chronicle: new Chronicle(this.name, log),
      candidacy: {
        identity: this.identity,
        timings: this.timings,
        candidate: options.candidate ?? true,
        fencingEpoch: options.fencingEpoch ?? 0,
        handle: options.store.open({ name: options.leaseName, namespace: options.namespace }, log),
        clock,
        chance,
        trouble: this.trouble,
        watchTrouble: this.watchTrouble,
      },
    });
    if (setup.handlers !== undefined) {
      this.notices.add(setup.handlers);
    }
    this.leadership$ = this.replica.leadership.changes$;
    this.term$ = this.replica.term.changes$;
    this.leader$ = this.replica.leader.changes$;
  }

  isLeader(): boolean {
    return this.replica.leading() !== null;
  }

  currentTerm(): LeadershipTerm | null {
    return this.gate.joinedTerm() ?? this.replica.leading();
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

  /**
   * Runs `work` under a term that `admit()` gave, tracked until what it returns settles. Returns that, with its value as
   * `deliver` hands it on; by default the same.
   */
  track<T>(term: LeadershipTerm, work: () => T, deliver?: (value: unknown) => unknown): T {
    return this.gate.run(term, work, { deliver });
  }

  async runIfLeader<T>(
    work: (term: LeadershipTerm) => T | Promise<T>,
    options: RunOptions = {},
  ): Promise<T | undefined> {
    const term = this.admit();
    if (term !== null) {
      // Awaited here: an async function that returns a promise makes two more of it.
      return await this.track(term, () => work(term));
    }
    if (options.onStandby === 'throw') {
      throw new NotLeaderError(this.name);
    }
    return undefined;
  }

  whenLeader(signal?: AbortSignal): Promise<LeadershipTerm> {
    const { replica } = this;
    return replica.isShutDown
      ? Promise.reject(new ElectionStoppedError(this.name))
      : whenLeader(this.name, merge(this.term$, replica.resumes), replica.stops, signal);
  }

  async stepDown(options: { cooldown?: number } = {}): Promise<void> {
    const cooldown = options.cooldown ?? 2 * this.timings.retryPeriod;
    if (!(cooldown >= 0)) {
      throw new LeaderElectionConfigError(`cooldown is ${inWords(cooldown)} but must be milliseconds, 0 or more.`);
    }
    return this.unlessItWaitsForItself(this.replica.stepDown(cooldown));
  }

  /** Adds handlers of terms. Returns the way to take them off. */
  onTerms(handlers: TermHandlers): () => void {
    return this.notices.add(handlers);
  }

  async start(): Promise<void> {
    this.replica.start();
  }

  stop(): Promise<void> {
    return this.unlessItWaitsForItself(this.replica.stop());
  }

  /** Stops for good: completes the streams and never starts again. */
  async shutdown(): Promise<void> {
    this.replica.dismiss();
    await this.stop();
    this.replica.complete();
  }

  status(): ElectionStatus {
    const { options, replica } = this;
    const { contactAt, confirmedAt } = replica;
    return {
      name: this.name,
      leaseName: options.leaseName,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      identity: this.identity,
      role: replica.role(),
      leader: replica.leader.value,
      term: replica.leading()?.toJSON() ?? null,
      lastConfirmedWrite: confirmedAt === null ? null : new Date(confirmedAt).toISOString(),
      lastContact: contactAt === null ? null : new Date(contactAt.wall).toISOString(),
      sinceContact: contactAt === null ? null : Math.round(this.clock.now() - contactAt.mono),
      lastError: this.trouble.lastError ?? this.watchTrouble.lastError,
      store: options.store.name ?? 'custom',
      running: this.gate.count,
      terms: replica.terms,
    };
  }

  /** A caller inside admitted work is itself what the release waits for: it goes on once all other work is done. */
  private unlessItWaitsForItself(released: Promise<void>): Promise<void> {
    return this.gate.hasCaller() ? Promise.race([released, this.gate.idle(true)]) : released;
  }
}
