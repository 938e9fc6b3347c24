import type { Clock } from './clock.js';

/** Whether `work` settles within so many milliseconds. Resolves as soon as that is known. */
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
