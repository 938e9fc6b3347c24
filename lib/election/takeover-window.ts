import type { Chance } from './clock.js';

const NARROWEST = 4;
const WIDEST = 250;

/**
 * How long a standby hesitates before it takes a free lease. All standbys learn of a release in the same instant: one must be
 * instant, a hundred must not stampede. The window doubles with each race that this replica lost and halves with each that it won.
 */
export class TakeoverWindow {
  private width = NARROWEST;

  constructor(private readonly chance: Chance) {}

  draw(): number {
    return this.chance.random() * this.width;
  }

  lostRace(): void {
    this.width = Math.min(this.width * 2, WIDEST);
  }

  wonRace(): void {
    this.width = Math.max(this.width / 2, NARROWEST);
  }
}
