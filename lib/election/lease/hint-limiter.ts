/**
 * Reads that hints have asked for. Anybody may ring, so each read that finds nothing of what was hinted makes the next one wait longer:
 * a forger who rings twice a second costs one read per `longestPause`.
 */
export class HintLimiter {
  private due = Number.POSITIVE_INFINITY;
  /** The newest state that was hinted of. */
  private token = 0n;
  private quietUntil = Number.NEGATIVE_INFINITY;
  private pause = 0;

  constructor(private readonly longestPause: number) {}

  /** When a read is owed; Infinity: none is. */
  get readAt(): number {
    return this.due === Number.POSITIVE_INFINITY ? this.due : Math.max(this.due, this.quietUntil);
  }

  ring(at: number, token: bigint): void {
    this.due = Math.min(this.due, at);
    this.token = token > this.token ? token : this.token;
  }

  /** A read or write has shown a state of that token. */
  shown(token: bigint): void {
    if (token >= this.token) this.clear();
  }

  /** A read is sent: it answers all who rang so far. Returns whether somebody had. */
  answer(now: number): boolean {
    const wasDue = this.readAt <= now;
    this.clear();
    return wasDue;
  }

  /** What a read that was owed brought: another holder, term or absence, or nothing of the kind. */
  answered(wasTrue: boolean, now: number): void {
    this.pause = wasTrue ? 0 : Math.min(Math.max(2 * this.pause, this.longestPause / 16), this.longestPause);
    this.quietUntil = now + this.pause;
  }

  private clear(): void {
    this.due = Number.POSITIVE_INFINITY;
    this.token = 0n;
  }
}
