import { LeaderElectionConfigError } from '../election/index.js';
import { STANDARD_DECORATORS_ADVICE, STANDARD_DECORATORS_MESSAGE } from '../leader-election.messages.js';

/** Standard (TC39) decorators are handed a context where Nest's have the name of the member. */
export function refuseStandardDecorator(decorator: string, key: unknown): void {
  if (typeof key !== 'object' || key === null) return;
  const { name } = key as { name?: unknown };
  throw new LeaderElectionConfigError(STANDARD_DECORATORS_MESSAGE(decorator, String(name)), STANDARD_DECORATORS_ADVICE);
}
