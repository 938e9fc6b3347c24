import type { Contender } from '../world/contender.js';
import type { World } from '../world/world.js';

const EVERY = 50;

/** Adds up the time in which nobody leads, from the first term on. */
export class Leaderless {
  milliseconds = 0;
  private begun = false;

  constructor(
    private readonly world: World,
    private readonly contenders: readonly Contender[],
  ) {
    this.sample();
  }

  private sample(): void {
    this.world.after(EVERY, () => {
      const led = this.contenders.some((c) => c.believes());
      this.begun ||= led;
      if (this.begun && !led) this.milliseconds += EVERY;
      this.sample();
    });
  }
}
