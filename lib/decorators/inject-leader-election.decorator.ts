import { Inject } from '@nestjs/common';
import { DEFAULT_ELECTION } from '../leader-election.constants.js';

/**
 * The injection token of an election: the string `LeaderElection:<name>`. Override this one in tests.
 *
 * @publicApi
 */
export function getLeaderElectionToken(name: string = DEFAULT_ELECTION): string {
  return `LeaderElection:${name}`;
}

/**
 * Injects the `LeaderElectionService` of a named election; without a name, of the default one.
 *
 * @publicApi
 */
export function InjectLeaderElection(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getLeaderElectionToken(name));
}
