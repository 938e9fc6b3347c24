import { hostname } from 'node:os';
import { merge, type Observable } from 'rxjs';
import { checkChoice, checkMilliseconds, checkOptionsObject, checkSignal, checkWork } from './arguments.js';
import { LeadershipLog } from './report/leadership-log.js';
import type { Chance, Clock } from './clock/clock.js';
import type { Election, RunOptions, TermHandlers } from './election.js';
import { ElectionStoppedError, NotLeaderError } from './errors.js';
import { Gate } from './work/gate.js';
import type { Exit } from './exit/exit.js';
import { processExit } from './exit/process-exit.js';
import type { LeadershipTerm } from './leadership-term.js';
import { unfailing, type ElectionLog } from './report/election-log.js';
import { checkOptions, type ElectionOptions } from './options.js';
import { Lifecycle } from './loop/lifecycle.js';
import type { ElectionStatus } from './report/status.js';
import { systemChance, systemClock } from './clock/system-clock.js';
import { TermHandlerQueue } from './work/term-handlers.js';
import type { TermAnnouncements } from './work/term-announcements.js';
import { resolveTimings, type Timings } from './rules/timings.js';
import { StoreHealth } from './report/store-health.js';
import type { TickJob } from './ticks/job.js';
import { TickScheduler, type TickEvent } from './ticks/tick-scheduler.js';
import { whenLeader } from './work/when-leader.js';

/** Registered, so that two copies of the package know each other's electors. */
const ELECTOR = Symbol.for('nestjs-leader:elector');

/** What to type. */
const STEP_DOWN = 'stepDown({ cooldown: 3000 })';
const RUN_IF_LEADER = "runIfLeader(work, { onStandby: 'throw' })";

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
  /** Default: that of this process. */
  exit?: Exit;
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
  private readonly health: StoreHealth;
  private readonly gate: Gate;
  private readonly handlers: TermHandlerQueue;
  private readonly lifecycle: Lifecycle;
  private readonly terms: TermAnnouncements;
  private readonly ticks: TickScheduler;
  private readonly exit: Exit | null;
  /** What becomes of the ticks of jobs. */
  readonly ticks$: Observable<TickEvent>;

  /** @throws LeaderElectionConfigError naming every option that is wrong, and the rule that it breaks */
  constructor(setup: LeaderElectorSetup) {
    const { options, clock = systemClock, chance = systemChance, exit = processExit } = setup;
    checkOptions(options);
    const log = unfailing(setup.log);
    this.options = options;
    this.clock = clock;
    this.name = setup.name ?? 'default';
    this.timings = resolveTimings(options);
    // Two replicas with one identity would take each other's writes for their own: the suffix is not optional.
    this.identity = `${options.identity ?? options.store.processName ?? hostname()}_${chance.uuid()}`;
    this.health = new StoreHealth(clock, log, this.name, this.timings.leaseDuration);
    this.gate = new Gate(this.name, () => this.terms.current());
    this.handlers = new TermHandlerQueue(this.gate, clock, this.timings, this.health);
    this.ticks = new TickScheduler({ election: this.name, clock, gate: this.gate, health: this.health, log });
    this.ticks$ = this.ticks.events.asObservable();
    const { candidate = true, releaseOnShutdown = true, releaseOnExit = true } = options;
    const handle = options.store.open({ name: options.leaseName, namespace: options.namespace }, log);
    const isLetGoAtExit = candidate && releaseOnShutdown && releaseOnExit && typeof handle.replaceAtExit === 'function';
    this.exit = isLetGoAtExit ? exit : null;
    this.lifecycle = new Lifecycle({
      releaseOnShutdown,
      work: { gate: this.gate, handlers: this.handlers, log: new LeadershipLog(this.name, log) },
      loop: {
        identity: this.identity,
        timings: this.timings,
        candidate,
        fencingEpoch: options.fencingEpoch ?? 0,
        handle,
        clock,
        chance,
        health: this.health,
        ticks: this.ticks,
        exit: this.exit,
      },
    });
    this.terms = this.lifecycle.terms;
    if (setup.handlers !== undefined) this.handlers.add(setup.handlers);
    this.leadership$ = this.terms.leadership.changes$;
    this.term$ = this.terms.term.changes$;
    this.leader$ = this.terms.leader.changes$;
  }

  isLeader(): boolean {
    return this.terms.current() !== null;
  }

  isReady(): boolean {
    return this.lifecycle.isReady;
  }

  currentTerm(): LeadershipTerm | null {
    return this.gate.ownTerm() ?? this.terms.current();
  }

  requireTerm(): LeadershipTerm {
    const term = this.currentTerm();
    if (term === null || !term.isValid()) throw new NotLeaderError(this.name);
    return term;
  }

  /**
   * The term under which a call made here and now may run, `null` on a standby. For wrappers that must keep a synchronous shape.
   * @throws NotLeaderError inside admitted work whose term is over
   */
  admit(): LeadershipTerm | null {
    return this.gate.admit();
  }

  /** Whether work of `term` may begin here and now: as part of a call that it admitted, in the middle of a drain too, or because it is current. */
  admits(term: LeadershipTerm): boolean {
    return (this.gate.joinedTerm() ?? this.terms.current()) === term && term.isValid();
  }

  /**
   * Runs `work` under a term that `admit()` gave, tracked until what it returns settles. Returns that, with its value as
   * `deliver` hands it on; by default the same.
   */
  track<T>(term: LeadershipTerm, work: () => T, deliver?: (value: unknown) => unknown): T {
    return this.gate.track(term, work, { deliver });
  }

  async runIfLeader<T>(work: (term: LeadershipTerm) => T | Promise<T>, options?: RunOptions): Promise<T | undefined> {
    checkWork(work);
    if (options !== undefined) {
      checkOptionsObject('runIfLeader', options, RUN_IF_LEADER);
      checkChoice('onStandby', options.onStandby, ['skip', 'throw'], RUN_IF_LEADER);
    }
    const term = this.admit();
    if (term !== null) {
      // Awaited here: an async function that returns a promise makes two more of it.
      return await this.track(term, () => work(term));
    }
    if (options?.onStandby === 'throw') throw new NotLeaderError(this.name);
    return undefined;
  }

  async whenLeader(signal?: AbortSignal): Promise<LeadershipTerm> {
    const { lifecycle, terms } = this;
    checkSignal('whenLeader', signal, 'whenLeader(AbortSignal.timeout(5000))');
    if (lifecycle.isShutDown) throw new ElectionStoppedError(this.name);
    return whenLeader(this.name, merge(this.term$, terms.resumes), lifecycle.stops, signal);
  }

  async stepDown(options: { cooldown?: number } = {}): Promise<void> {
    checkOptionsObject('stepDown', options, STEP_DOWN);
    const { cooldown = 2 * this.timings.retryPeriod } = options;
    checkMilliseconds('cooldown', cooldown, STEP_DOWN);
    return this.unlessItWaitsForItself(this.lifecycle.stepDown(cooldown));
  }

  /** Adds handlers of terms. Returns the way to take them off. */
  onTerms(handlers: TermHandlers): () => void {
    return this.handlers.add(handlers);
  }

  /**
   * Adds a job whose ticks the leader starts. Returns the way to take it off; what the lease keeps of it stays.
   * @throws LeaderElectionConfigError when this election has a job of that name
   */
  addJob(job: TickJob): () => void {
    return this.ticks.add(job);
  }

  /** Takes a job off for good: its account goes from the lease with the next write. Returns whether there was one. */
  deleteJob(name: string): boolean {
    return this.ticks.delete(name);
  }

  /** Looks at the jobs now: the wall clock has been set, and no timer tells. */
  lookAtJobs(): void {
    this.ticks.changes.next();
  }

  async start(): Promise<void> {
    this.lifecycle.start();
  }

  stop(): Promise<void> {
    return this.unlessItWaitsForItself(this.lifecycle.stop());
  }

  /** Stops for good: completes the streams and never starts again. */
  async shutdown(): Promise<void> {
    this.lifecycle.shutDown();
    await this.stop();
    this.terms.complete();
  }

  status(): ElectionStatus {
    const { options, lifecycle, terms, health, exit } = this;
    const { contactAt, confirmedWriteAt } = health;
    return {
      name: this.name,
      leaseName: options.leaseName,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      identity: this.identity,
      role: lifecycle.role,
      leader: terms.leader.value,
      term: terms.current()?.toJSON() ?? null,
      lastConfirmedWrite: confirmedWriteAt === null ? null : new Date(confirmedWriteAt).toISOString(),
      lastContact: contactAt === null ? null : new Date(contactAt.wall).toISOString(),
      sinceContact: contactAt === null ? null : Math.round(this.clock.now() - contactAt.mono),
      lastError: health.lastError,
      failures: health.failures,
      jobs: this.ticks.status(),
      store: options.store.name ?? 'custom',
      running: this.gate.count,
      terms: terms.count,
      // Looked up for who reads it: it asks the kernel for child processes, and metrics and health ask for the rest many times.
      get releaseAtExit() {
        return exit === null ? 'off' : (exit.obstacle() ?? 'ready');
      },
    };
  }

  /** A caller inside admitted work is itself what the release waits for: it goes on once all other work is done. */
  private unlessItWaitsForItself(released: Promise<void>): Promise<void> {
    return this.gate.hasCaller() ? Promise.race([released, this.gate.idle(true)]) : released;
  }
}

const { isLeader } = LeaderElector.prototype;
Object.defineProperty(LeaderElector.prototype, ELECTOR, { value: isLeader });

/**
 * Whether it is a real one, no stub and no mock (which may have every member), and answers for itself: a test that replaces its `isLeader`
 * decides by that who leads. Asked at each gated call, and therefore no more than a comparison.
 */
export function isElector(election: object): election is LeaderElector {
  const { isLeader: answers, [ELECTOR]: own } = election as Record<PropertyKey, unknown>;
  return answers === own && answers !== undefined;
}
