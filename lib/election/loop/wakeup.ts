import type { Clock } from '../clock/clock.js';

/** Where the loop waits for the next thing that is due, or for news that changes what is due. */
export class Wakeup {
  private wake: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  /** Until a monotonic instant, or until poked; Infinity: until poked. */
  pause(until: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel =
        until === Number.POSITIVE_INFINITY
          ? undefined
          : this.clock.setTimer(() => this.poke(), until - this.clock.now());
      this.wake = () => {
        cancel?.();
        resolve();
      };
    });
  }

  poke(): void {
    const { wake } = this;
    this.wake = null;
    wake?.();
  }
}
