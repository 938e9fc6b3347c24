import type { Clock } from './clock.js';
import { LeaseStoreError } from './errors.js';

/** Whether `work` settles within so many milliseconds. Told as soon as it is known. */
export function settlesWithin(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(() => resolve(false), milliseconds);
    const settled = () => {
      cancel();
      resolve(true);
    };
    work.then(settled, settled);
  });
}

/** Gives a request up before its deadline. */
export type GiveUp = (reason: LeaseStoreError) => void;

/**
 * Runs one request under one deadline. Settles by then even if the store ignores the signal: what such a store answers later is
 * dropped, because a late "applied" proves nothing. `begun` is handed the way to give it up earlier.
 * @throws LeaseStoreError with code STORE_TIMEOUT
 */
export function withDeadline<T>(
  clock: Clock,
  milliseconds: number,
  call: (signal: AbortSignal) => Promise<T>,
  begun?: (giveUp: GiveUp) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const controller = new AbortController();
    const giveUp = (reason: LeaseStoreError) => {
      cancel();
      reject(reason);
      controller.abort(reason);
    };
    const cancel = clock.setTimer(() => giveUp(timedOut(milliseconds)), milliseconds);
    const failed = (error: unknown) => {
      cancel();
      reject(error);
    };
    begun?.(giveUp);
    try {
      call(controller.signal).then((answer) => {
        cancel();
        resolve(answer);
      }, failed);
    } catch (error) {
      failed(error);
    }
  });
}

function timedOut(milliseconds: number): LeaseStoreError {
  return new LeaseStoreError('STORE_TIMEOUT', `The lease store did not answer within ${Math.round(milliseconds)} ms.`, {
    advice: 'Look at the load of the store and the network to it; the election retries by itself.',
  });
}
