/**
 * How long one request may take. Starts at the configured floor; follows the measured latency as TCP's retransmission timer does
 * (RFC 6298), so that a store that is merely slow is led from, and a lost request at that latency still leaves time for a second one;
 * doubles after a timeout, up to half the renew deadline.
 */
export class RequestTimeout {
  private smoothed: number | null = null;
  private variation = 0;
  private backedOff: number;

  constructor(
    private readonly floor: number,
    private readonly renewDeadline: number,
  ) {
    this.backedOff = floor;
  }

  get current(): number {
    return Math.max(this.floor, Math.min(Math.max(this.fitting, this.backedOff), this.renewDeadline / 2));
  }

  /**
   * For a request that is worth nothing after `left`: one that could use up all of it gets half, or what answers take, so that a
   * swallowed request is never the last.
   */
  within(left: number): number {
    const { current } = this;
    return current < left ? current : Math.min(left, Math.max(this.fitting, left / 2));
  }

  /** What the measured latency asks for. */
  private get fitting(): number {
    return this.smoothed === null ? 0 : this.smoothed * 1.25 + 4 * this.variation;
  }

  answeredIn(latency: number): void {
    if (this.smoothed === null) {
      this.smoothed = latency;
      this.variation = latency / 8;
    } else {
      this.variation += (Math.abs(latency - this.smoothed) - this.variation) / 4;
      this.smoothed += (latency - this.smoothed) / 8;
    }
    this.backedOff = this.floor;
  }

  timedOut(): void {
    this.backedOff = Math.min(this.current * 2, this.renewDeadline / 2);
  }
}
