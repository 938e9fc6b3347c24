import { DEFAULT_ELECTION, LEADERSHIP_METADATA } from '../leader-election.constants.js';
import type { LeadershipTerm, LossReason } from '../election/index.js';
import { refuseStandardDecorator } from './standard-decorator.js';

/** One wish of one method to be told. */
export interface LeadershipSubscription {
  readonly event: 'acquired' | 'lost';
  readonly election: string;
}

/** Of a method that takes at most these. */
export type HandlerDecorator<Args extends unknown[]> = <T extends (...args: Args) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/**
 * Calls the method with the term whenever this replica begins to lead. It may run as long as the term does (watch
 * `term.signal`); it is drained like other work, and an error of it is logged without costing the lease.
 *
 * @publicApi
 */
export function OnLeadershipAcquired(election: string = DEFAULT_ELECTION): HandlerDecorator<[term: LeadershipTerm]> {
  return subscribe({ event: 'acquired', election });
}

/**
 * Calls the method with the term and the reason when this replica no longer leads, after the term's `acquired` handlers
 * have returned. Awaited before the lease is released, at most `drainTimeout`.
 *
 * @publicApi
 */
export function OnLeadershipLost(
  election: string = DEFAULT_ELECTION,
): HandlerDecorator<[term: LeadershipTerm, reason: LossReason]> {
  return subscribe({ event: 'lost', election });
}

function subscribe<Args extends unknown[]>(subscription: LeadershipSubscription): HandlerDecorator<Args> {
  return (_target, key, descriptor) => {
    refuseStandardDecorator(subscription.event === 'acquired' ? '@OnLeadershipAcquired' : '@OnLeadershipLost', key);
    const method = descriptor.value as object;
    const others: LeadershipSubscription[] = Reflect.getMetadata(LEADERSHIP_METADATA, method) ?? [];
    Reflect.defineMetadata(LEADERSHIP_METADATA, [...others, subscription], method);
  };
}
