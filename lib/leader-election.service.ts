import type { Observable } from 'rxjs';
import type { Election, ElectionStatus, LeaderElector, LeadershipTerm, RunOptions } from './election/index.js';

/**
 * One election, as providers see it. Injected by its class for the default election and by
 * `@InjectLeaderElection('name')` for a named one.
 *
 * @publicApi
 */
export class LeaderElectionService implements Election {
  constructor(private readonly elector: LeaderElector) {}

  /** Of the election: `default`, or the `name` of its `forFeature`. */
  get name(): string {
    return this.elector.name;
  }

  /** This replica's identity in the lease; no other application instance ever has it. */
  get identity(): string {
    return this.elector.identity;
  }

  /** Replays the current value, then strictly alternates; completes at shutdown. Notifies only: before acting, ask `isLeader()`. */
  get leadership$(): Observable<boolean> {
    return this.elector.leadership$;
  }

  /** The term, `null` while there is none. Replays. */
  get term$(): Observable<LeadershipTerm | null> {
    return this.elector.term$;
  }

  /** The holder as last seen, `null` when nobody. Replays. */
  get leader$(): Observable<string | null> {
    return this.elector.leader$;
  }

  /** Computed from the clocks at this call: `false` the first time it is asked after a pause that outlived the term. */
  isLeader(): boolean {
    return this.elector.isLeader();
  }

  /** Inside admitted work the term that admitted it, even if a newer one has begun; elsewhere the current one or `null`. */
  currentTerm(): LeadershipTerm | null {
    return this.elector.currentTerm();
  }

  /** @throws NotLeaderError when there is no valid term */
  requireTerm(): LeadershipTerm {
    return this.elector.requireTerm();
  }

  /**
   * Runs `work` if this replica leads; shutdown and step-down wait for it. Called inside admitted work it joins that term.
   * On a standby resolves `undefined`, or with `{ onStandby: 'throw' }` rejects.
   *
   * @throws NotLeaderError on a standby that was told to throw, and in work whose term is over
   */
  runIfLeader<T>(work: (term: LeadershipTerm) => T | Promise<T>, options?: RunOptions): Promise<T | undefined> {
    return this.elector.runIfLeader(work, options);
  }

  /**
   * Resolves with the term as soon as this replica leads. Not to be awaited in a lifecycle hook: elections begin when all
   * hooks of the boot are done.
   *
   * @throws ElectionStoppedError when the election stops; the signal's reason when `signal` aborts
   */
  whenLeader(signal?: AbortSignal): Promise<LeadershipTerm> {
    return this.elector.whenLeader(signal);
  }

  /** Hands leadership over: drains, releases, and stays out for `cooldown` milliseconds (default: two retry periods). */
  stepDown(options?: { cooldown?: number }): Promise<void> {
    return this.elector.stepDown(options);
  }

  /** For decorators, which must keep a synchronous shape; applications use `runIfLeader`. @internal */
  admit(): LeadershipTerm | null {
    return this.elector.admit();
  }

  /** Runs `work` under a term that `admit()` gave, tracked; `deliver` makes of its value what the caller gets. @internal */
  track<T>(term: LeadershipTerm, work: () => T, deliver?: (value: unknown) => unknown): T {
    return this.elector.track(term, work, deliver);
  }

  /** A JSON-safe snapshot for health pages and logs. */
  status(): ElectionStatus {
    return this.elector.status();
  }

  /** Called by the module once every other module has bootstrapped. */
  start(): Promise<void> {
    return this.elector.start();
  }

  /** Called by the module at shutdown, before any other module is destroyed. */
  stop(): Promise<void> {
    return this.elector.stop();
  }
}
