import type { Clock } from './clock.js';
import type { Lease } from './lease.js';
import { renewed } from './records.js';
import type { Tenure } from './tenure.js';
import type { Timings } from './timings.js';

/** Label edits make renewals conflict; each is met with a write at once, but a store that always conflicts is not hammered. */
const CONFLICTS_AT_ONCE = 3;

/** Keeps a held lease held: when the holder writes or reads next, and what it makes of the answer. */
export class Renewal {
  /** After a failure: not before this. */
  private retryAt = Number.NEGATIVE_INFINITY;
  private conflicts = 0;
  /** Our write met a newer version that has not been seen yet. */
  private outdated = false;

  constructor(
    private readonly lease: Lease,
    private readonly tenure: Tenure,
    private readonly clock: Clock,
    private readonly timings: Timings,
  ) {}

  /** The monotonic instant of the next request. */
  get due(): number {
    return Math.max(this.retryAt, this.outdated ? Number.NEGATIVE_INFINITY : this.tenure.renewAt);
  }

  seen(): void {
    this.outdated = false;
  }

  confirmed(): void {
    this.conflicts = 0;
  }

  /** Makes the one request that is due. Never outlives the term: an answer after its end would prove nothing. */
  perform(): Promise<void> {
    const now = this.clock.now();
    const left = this.tenure.validity.expiresAt - now;
    return this.outdated ? this.reread(now, left) : this.renew(now, left);
  }

  private async renew(now: number, left: number): Promise<void> {
    const { lease, tenure, timings } = this;
    const attempt = lease.attempt((writeId) => renewed(lease.rules, tenure.lastSent, writeId, this.clock.wall()));
    tenure.attempted(attempt);
    const outcome = await lease.write(attempt, left);
    switch (outcome.kind) {
      case 'applied':
        return;
      case 'conflict':
        this.outdated = !lease.hasMovedOn(attempt);
        if (++this.conflicts > CONFLICTS_AT_ONCE) {
          this.retryAt = now + timings.retryPeriod;
        }
        return;
      case 'rejected': {
        // A server that asks for more patience than the term has left still gets one more try in time.
        const patience = Math.min(outcome.retryAfter ?? 0, (tenure.validity.expiresAt - this.clock.now()) / 2);
        this.retryAt = Math.max(this.afterFailure(now, left), this.clock.now() + patience);
        return;
      }
      case 'unknown':
        this.retryAt = this.afterFailure(now, left);
    }
  }

  private async reread(now: number, left: number): Promise<void> {
    const answer = await this.lease.read(left);
    if (typeof answer === 'object' || answer === 'old') {
      this.retryAt = this.afterFailure(now, left);
    }
  }

  /** When to try again after an attempt begun at `now`: closer and closer together towards the end of the term. */
  private afterFailure(now: number, left: number): number {
    const { retryPeriod } = this.timings;
    return now + Math.min(retryPeriod, Math.max(left / 2, retryPeriod / 8));
  }
}
