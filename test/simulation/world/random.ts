/**
 * The only source of chance in a simulated history (sfc32). Uses integer arithmetic and one division, so that a seed
 * gives the same history on every version of Node; `Math.log` and friends may differ between engines.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d = 1;

  constructor(readonly seed: string) {
    // Each stream is named, so that a shrinker that removes one disturbance does not reshuffle the luck of all others.
    this.a = hash(seed, 0x9e3779b9);
    this.b = hash(seed, 0x243f6a88);
    this.c = hash(seed, 0xb7e15162);
    for (let i = 0; i < 12; i++) this.bits();
  }

  stream(name: string): Random {
    return new Random(`${this.seed}/${name}`);
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.bits() / 4294967296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** Draws even when the answer is certain, so that switching a fault off leaves the rest of the stream in place. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** Between low and high with most of the mass near `low`. */
  skewed(low: number, high: number): number {
    const u = this.next();
    return low + (high - low) * u * u * u;
  }

  private bits(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }
}

function hash(text: string, start: number): number {
  let h = start | 0;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x85ebca6b);
    h ^= h >>> 15;
  }
  return Math.imul(h ^ (h >>> 13), 0xc2b2ae35) | 0;
}
