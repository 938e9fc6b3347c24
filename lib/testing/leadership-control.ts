import type { ElectorFactory } from '../registry/election.registry.js';
import { LeaderElectionConfigError } from '../election/index.js';
import { isRunning } from '../registry/is-running.js';
import { DEFAULT_ELECTION } from '../leader-election.constants.js';
import { ControlledElection } from './controlled-election.js';

/**
 * Decides, for a test, who leads. Every call resolves after the `@OnLeadership…` handlers have returned.
 *
 * All reject with a LeaderElectionConfigError for an election that does not exist; `grant` also for one that only observes, or does not
 * run: before `app.init()` and after `app.close()`.
 */
export class LeadershipControl {
  private readonly elections = new Map<string, ControlledElection>();

  /** To be put in the place of the application's own, see `overrideLeaderElection`. */
  readonly createElector: ElectorFactory = (config) => {
    const election = new ControlledElection(config);
    this.elections.set(config.name, election);
    return election.elector;
  };

  /**
   * This replica leads, if it does not already. An `@OnLeadershipAcquired` handler that has not returned after a quarter
   * of a second is taken for one that runs as long as its term, and not waited for.
   */
  async grant(election?: string): Promise<void> {
    const controlled = this.of(election);
    if (controlled.observes) {
      throw new LeaderElectionConfigError(
        `The election "${controlled.elector.name}" only observes (candidate: false): it never leads.`,
      );
    }
    // Nobody would ever take the lease that is handed over here.
    if (!isRunning(controlled.elector)) {
      throw new LeaderElectionConfigError(
        `The election "${controlled.elector.name}" does not run: it begins with app.init() and ends with app.close().`,
        'Await app.init() first.',
      );
    }
    return controlled.grant();
  }

  /** Another replica has taken over: signal aborted, nothing drained first. Does nothing on a standby. */
  async revoke(election?: string): Promise<void> {
    return this.of(election).revoke();
  }

  /** This replica steps down: running work is drained, then another one leads. Does nothing on a standby. */
  async handover(election?: string): Promise<void> {
    return this.of(election).handover();
  }

  /** The store has been silent for too long: the term is over. Does nothing on a standby. */
  async expire(election?: string): Promise<void> {
    return this.of(election).expire();
  }

  /**
   * A tick of the job of that name (`@LeaderCron`, `LeaderCronService`) falls due: its next, or what is due at `at`. Real time does not
   * matter, and the clock that jobs go by stays there. While this replica leads, it resolves after the handler, whether that succeeds
   * or not. On a standby it resolves at once: the tick is missed, and made up for after `grant()`, as `catchUp` says.
   */
  async tick(name: string, { at }: { at?: Date | string | number } = {}): Promise<void> {
    const election = [...this.elections.values()].find((one) => one.hasJob(name));
    if (election === undefined) {
      throw new LeaderElectionConfigError(
        `No election has a job named "${name}".`,
        'Jobs are there after app.init(). Their names are those of @LeaderCron.',
      );
    }
    return election.tick(name, at === undefined ? undefined : new Date(at).getTime());
  }

  /** `grant` for every election that does not only observe. */
  async grantAll(): Promise<void> {
    const candidates = [...this.elections].filter(([, { observes }]) => !observes);
    await Promise.all(candidates.map(([name]) => this.grant(name)));
  }

  private of(name: string = DEFAULT_ELECTION): ControlledElection {
    const election = this.elections.get(name);
    if (election === undefined)
      throw new LeaderElectionConfigError(`No election is named "${name}": ${[...this.elections.keys()].join(', ')}.`);

    return election;
  }
}
