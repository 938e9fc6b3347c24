import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type { ElectionRegistry } from '../election.registry.js';
import { DEFAULT_ELECTION, ELECTION_REGISTRY } from '../leader-election.constants.js';

/** Of `isHealthy`. */
export interface LeaderElectionHealthOptions {
  /** Name of the election; the default one if left out. */
  election?: string;
  /** Milliseconds without an answer of the store after which the election is down. Default: two lease durations. */
  maxSilence?: number;
}

/**
 * Up while the election reaches its store, on the leader and on standbys alike; its details say who leads and what went
 * wrong last.
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

  /** Reads the clocks and nothing else: asks no store. `key` names the entry in the health report. */
  isHealthy<Key extends string = 'leaderElection'>(
    key: Key = 'leaderElection' as Key,
    { election = DEFAULT_ELECTION, maxSilence }: LeaderElectionHealthOptions = {},
  ): HealthIndicatorResult<Key> {
    const { elector } = this.registry.get(election, 'LeaderElectionHealthIndicator');
    const { role, leader, store, lastContact, sinceContact, lastError } = elector.status();
    // Before the first answer, silence is counted from when the application came up.
    const silence = sinceContact ?? Math.round(performance.now() - this.createdAt);
    const indicator = this.health.check(key);
    const details = { role, leader, store, lastContact, lastError };
    return silence <= (maxSilence ?? 2 * elector.timings.leaseDuration)
      ? indicator.up(details)
      : indicator.down({ ...details, message: `The ${store} store has not answered for ${silence} ms.` });
  }
}
