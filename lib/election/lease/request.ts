import type { Clock } from '../clock/clock.js';
import { LeaseStoreError } from '../errors.js';

/**
 * One request to the store under one deadline. It settles by then even if the store ignores the signal: what such a store answers later
 * is dropped, because a late "applied" proves nothing.
 */
export class Request {
  private readonly controller = new AbortController();
  private readonly cancelTimer: () => void;
  private reject!: (reason: LeaseStoreError) => void;
  private readonly givenUp = new Promise<never>((_, reject) => (this.reject = reject));

  /** `overdue` says what it means that `milliseconds` have passed without an answer. */
  constructor(clock: Clock, milliseconds: number, overdue: () => LeaseStoreError) {
    this.cancelTimer = clock.setTimer(() => this.giveUp(overdue()), milliseconds);
    // Given up after a store that threw before it returned a promise, nobody waits for this one.
    this.givenUp.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** @throws LeaseStoreError: the reason for which it was given up; else what the store throws */
  answer<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.givenUp]);
  }

  giveUp(reason: LeaseStoreError): void {
    this.close();
    this.reject(reason);
    this.controller.abort(reason);
  }

  close(): void {
    this.cancelTimer();
  }
}

/** Without a time where we gave it less than a store may take. */
export function overdue(milliseconds?: number): LeaseStoreError {
  const within =
    milliseconds === undefined ? 'in the time that was left for it' : `within ${Math.round(milliseconds)} ms`;
  return new LeaseStoreError('STORE_TIMEOUT', `The lease store did not answer ${within}.`, {
    advice: 'Look at the load of the store and the network to it; the election retries by itself.',
  });
}
