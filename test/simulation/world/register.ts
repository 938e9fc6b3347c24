import { Mark } from './timeline.js';
import type { World } from './world.js';

/** What the elected replica works on: a register that checks tokens, and a counter that does not. */
export class Register {
  accepted = 0;
  refused = 0;
  /** Writes of an older term that an unfenced resource took after a newer term had written: what no lease can prevent. */
  unfencedOverlaps = 0;
  private highest = 0n;
  private highestTerm: unknown = null;
  private newest = 0n;
  private astray = false;

  constructor(
    private readonly world: World,
    private readonly onBreach: (message: string) => void,
  ) {}

  /** The store that gives the tokens has gone back to this one: its resource is told so, as the docs say. */
  restored(token: bigint): void {
    if (this.highest > token) this.highest = token;
    if (this.newest > token) this.newest = token;
    this.highestTerm = null;
    this.astray = false;
  }

  /** Until it has been told, tokens of two histories meet here. */
  lost(): void {
    this.astray = true;
  }

  write(node: number, token: bigint, term: unknown): void {
    if (token < this.newest) this.unfencedOverlaps++;
    else this.newest = token;
    if (token < this.highest) {
      this.refused++;
      this.world.mark(Mark.Register, node, 0, 'refused');
      return;
    }
    if (token === this.highest && term !== this.highestTerm && !this.astray && this.highestTerm !== null)
      this.onBreach(`two terms write under the same token ${token}`);

    this.highest = token;
    this.highestTerm = term;
    this.accepted++;
    this.world.mark(Mark.Register, node, Number(token), 'accepted');
  }
}
