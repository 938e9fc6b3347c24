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

/**
 * Runs one request under one deadline. Settles by then even if the store ignores the signal: what such a store answers later is
 * dropped, because a late "applied" proves nothing.
 * @throws LeaseStoreError with code STORE_TIMEOUT
 */
export function withDeadline<T>(
  clock: Clock,
  milliseconds: number,
  controller: AbortController,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.setTimer(() => {
      const bound = Math.round(milliseconds);
      controller.abort(
        new LeaseStoreError('STORE_TIMEOUT', `The lease store did not answer within ${bound} ms.`, {
          advice: 'Look at the load of the store and the network to it; the election retries by itself.',
        }),
      );
    }, milliseconds);
    const settle =
      <A>(how: (value: A) => void) =>
      (value: A) => {
        cancel();
        how(value);
      };
    controller.signal.addEventListener('abort', () => settle(reject)(controller.signal.reason), { once: true });
    try {
      call(controller.signal).then(settle(resolve), settle(reject));
    } catch (error) {
      settle(reject)(error);
    }
  });
}
