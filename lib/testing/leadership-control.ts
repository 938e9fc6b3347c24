import type { ElectorFactory } from '../election.registry.js';
import { LeaderElectionConfigError } from '../election/index.js';
import { DEFAULT_ELECTION } from '../leader-election.constants.js';
import { ControlledElection } from './controlled-election.js';

/** Decides, for a test, who leads. Every call resolves after the `@OnLeadership…` handlers have returned. */
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
  grant(election?: string): Promise<void> {
    return this.of(election).grant();
  }

  /** Another replica has taken over: signal aborted, nothing drained first. Does nothing on a standby. */
  revoke(election?: string): Promise<void> {
    return this.of(election).revoke();
  }

  /** This replica steps down: running work is drained, then another one leads. Does nothing on a standby. */
  handover(election?: string): Promise<void> {
    return this.of(election).handover();
  }

  /** The store has been silent for too long: the term is over. Does nothing on a standby. */
  expire(election?: string): Promise<void> {
    return this.of(election).expire();
  }

  /** `grant` for every election. */
  async grantAll(): Promise<void> {
    await Promise.all([...this.elections.keys()].map((name) => this.grant(name)));
  }

  private of(name: string = DEFAULT_ELECTION): ControlledElection {
    const election = this.elections.get(name);
    if (election === undefined) {
      throw new LeaderElectionConfigError(`No election is named "${name}": ${[...this.elections.keys()].join(', ')}.`);
    }
    return election;
  }
}
