import { Inject } from '@nestjs/common';
import { getLeaderElectionToken } from '../leader-election.constants.js';

/**
 * Injects the `LeaderElectionService` of a named election; without a name, of the default one.
 *
 * @publicApi
 */
export function InjectLeaderElection(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getLeaderElectionToken(name));
}
