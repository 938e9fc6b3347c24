import type { Clock } from './clock.js';

/**
 * `clock`, which also tells when a timer comes so late that nothing of this process can have run since it was due: the event loop was
 * blocked, or the process was stopped or had no CPU. Otherwise a term lost that way would look as if the store had not answered.
 */
export function withStallDetector(clock: Clock, tolerance: number, stalled: (since: number) => void): Clock {
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    boot: () => clock.boot(),
    setTimer(callback, delay) {
      const due = clock.now() + Math.max(delay, 0);
      let isDone = false;
      const done = () => {
        // One stall makes many timers late: it is told once, by the first, which has waited longest.
        if (!isDone && due > toldAt && clock.now() - due >= tolerance) {
          toldAt = clock.now();
          stalled(due);
        }
        isDone = true;
      };
      const cancel = clock.setTimer(() => {
        done();
        callback();
      }, delay);
      // Called off before it could run: the first to ask after the stall finds the term expired.
      return () => {
        done();
        cancel();
      };
    },
  };
}
