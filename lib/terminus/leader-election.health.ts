import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { checkMilliseconds } from '../election/arguments.js';
import { quoted } from '../election/report/quoted.js';
import type { ElectionRegistry } from '../registry/election.registry.js';
import { DEFAULT_ELECTION, ELECTION_REGISTRY } from '../leader-election.constants.js';

/** Of `isHealthy`. */
export interface LeaderElectionHealthOptions {
  /** Name of the election; the default one if left out. */
  election?: string;
  /** Milliseconds after which the election is down: without an answer of the store, or of writes that all fail. Default: two lease durations. */
  maxSilence?: number;
}

/**
 * Up while the election reaches its store and this replica's writes are taken, if it makes any, on the leader and on standbys alike. Its
 * details say who leads and what went wrong last.
 *
 * Never tie readiness to leadership: a rollout waits for the new pod to be ready, the new pod would wait to lead, and the
 * old one leads until the rollout ends it. A standby is ready, it has nothing else to do.
 *
 * @publicApi
 */
@Injectable()
export class LeaderElectionHealthIndicator {
  private readonly createdAt = performance.now();

  constructor(
    @Inject(HealthIndicatorService) private readonly health: HealthIndicatorService,
    @Inject(ELECTION_REGISTRY) private readonly registry: ElectionRegistry,
  ) {}

  /**
   * Up once this replica could take over: `isReady()` of the election. For a readiness probe, where `isHealthy` is for an alarm: a store that
   * does not answer is no reason to take standbys off their Service. `key` names the entry in the health report.
   */
  isReady<Key extends string = 'leaderElection'>(
    key: Key = 'leaderElection' as Key,
    { election = DEFAULT_ELECTION }: Pick<LeaderElectionHealthOptions, 'election'> = {},
  ): HealthIndicatorResult<Key> {
    const { elector } = this.registry.get(election, 'LeaderElectionHealthIndicator');
    const indicator = this.health.check(key);
    const { role, store } = elector.status();
    if (elector.isReady()) return indicator.up({ role });
    return indicator.down({ role, message: `The lease has not been read from the ${store} store yet.` });
  }

  /** Reads the clocks and nothing else: asks no store. `key` names the entry in the health report. */
  isHealthy<Key extends string = 'leaderElection'>(
    key: Key = 'leaderElection' as Key,
    { election = DEFAULT_ELECTION, maxSilence }: LeaderElectionHealthOptions = {},
  ): HealthIndicatorResult<Key> {
    if (maxSilence !== undefined)
      checkMilliseconds('maxSilence', maxSilence, "isHealthy('leaderElection', { maxSilence: 30_000 })");

    const { elector } = this.registry.get(election, 'LeaderElectionHealthIndicator');
    const { role, leader, store, lastContact, sinceContact, lastError, failures } = elector.status();
    // Before the first answer, silence is counted from when the application came up.
    const silence = sinceContact ?? Math.round(performance.now() - this.createdAt);
    const indicator = this.health.check(key);
    // What the lease says may have been written by anybody, and health reports end in logs and dashboards.
    const details = { role, leader: leader === null ? null : quoted(leader), store, lastContact, lastError };
    const longest = maxSilence ?? 2 * elector.timings.leaseDuration;
    // A store that can be read and not be written has no leader, or keeps the one it has only until its term ends.
    const { writing } = failures;
    if (writing !== null && writing.lasted > longest) {
      const message = `Writes to the ${store} store have failed for ${writing.lasted} ms: ${writing.message}`;
      return indicator.down({ ...details, message });
    }
    // Restarting it would not help, but somebody has to know that its jobs do not run.
    const { ticks } = failures;
    if (role === 'leader' && ticks !== null && ticks.lasted > longest) {
      return indicator.down({
        ...details,
        message: `No tick of a job has started for ${ticks.lasted} ms: ${ticks.message}`,
      });
    }

    if (silence > longest)
      return indicator.down({ ...details, message: `The ${store} store has not answered for ${silence} ms.` });

    return indicator.up(details);
  }
}
