import { LeaderElectionConfigError } from '../election/index.js';
import { STUB_ADVICE, STUB_MESSAGE } from '../leader-election.messages.js';

/**
 * What a stub, a fake or a mock in the place of an election says. It has the public members at most, and a mock makes up all others: so it is
 * only asked `isLeader()`, and nothing is tracked.
 *
 * @throws LeaderElectionConfigError when that is no boolean: a mock that nobody told who leads must not look like a standby
 */
export function stubLeads(election: object, method: string): boolean {
  const leads = isStub(election) ? election.isLeader() : undefined;
  if (typeof leads === 'boolean') return leads;
  throw new LeaderElectionConfigError(STUB_MESSAGE(method), STUB_ADVICE);
}

/** Whether it can be asked at all. */
export function isStub(election: object): election is { isLeader(): unknown } {
  return typeof (election as { isLeader?: unknown }).isLeader === 'function';
}
