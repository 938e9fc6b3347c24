import type { Clock } from './clock.js';

/**
 * `clock`, that tells when a timer comes so late that nothing of this process can have run since it was due: the event loop was blocked,
 * the process stopped or without CPU. Else a term that is lost that way would look as if the store had not answered.
 */
export function attentive(clock: Clock, tolerance: number, stoodStill: (since: number) => void): Clock {
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    boot: () => clock.boot(),
    setTimer(callback, delay) {
      const due = clock.now() + Math.max(delay, 0);
      let isDone = false;
      const done = () => {
        // One standstill makes many timers late: told once, by the first, which has waited longest.
        if (!isDone && due > toldAt && clock.now() - due >= tolerance) {
          toldAt = clock.now();
          stoodStill(due);
        }
        isDone = true;
      };
      const cancel = clock.setTimer(() => {
        done();
        callback();
      }, delay);
      // Called off before it could run, when the first to ask after the standstill finds the term expired.
      return () => {
        done();
        cancel();
      };
    },
  };
}
