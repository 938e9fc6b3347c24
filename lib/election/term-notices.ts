import type { Clock } from './clock.js';
import { LeaderElectionError } from './errors.js';
import type { TermHandlers } from './election.js';
import type { LeadershipTerm, LossReason } from './leadership-term.js';
import { outsideAnyCall, type Gate } from './gate.js';
import type { Timings } from './timings.js';
import type { Trouble } from './trouble.js';

/** Tells handlers of terms, one after the other: acquired(n), lost(n), acquired(n+1). A handler that hangs delays the next at most `drainTimeout`. */
export class TermNotices {
  private readonly handlers = new Set<TermHandlers>();
  private previous: Promise<unknown> = Promise.resolve();
  private acquired: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly gate: Gate,
    private readonly clock: Clock,
    private readonly timings: Timings,
    private readonly trouble: Trouble,
  ) {}

  add(handlers: TermHandlers): () => void {
    this.handlers.add(handlers);
    return () => this.handlers.delete(handlers);
  }

  tellAcquired(term: LeadershipTerm): void {
    if (this.handlers.size === 0) {
      return;
    }
    const run = () => this.gate.run(term, () => this.tell((handlers) => handlers.acquired(term)), false);
    let started: () => void;
    const begun = new Promise<void>((resolve) => (started = resolve));
    // Counted from here on, so that a drain that begins before it runs waits for it, and for the `lost` that must follow it.
    this.acquired = outsideAnyCall(() =>
      this.within(this.previous, this.timings.drainTimeout).then(() => {
        const running = run();
        started();
        return running;
      }),
    );
    this.previous = begun;
  }

  /** Resolves once the `lost` handlers have settled. */
  tellLost(term: LeadershipTerm, reason: LossReason): Promise<unknown> {
    if (this.handlers.size === 0) {
      return Promise.resolve();
    }
    const begun = this.previous;
    // An `acquired` that ends promptly on its signal is let finish; one that runs until `lost` stops it must not block it.
    const patience = Math.min(this.timings.retryPeriod, this.timings.drainTimeout);
    const acquired = this.acquired;
    const lost = outsideAnyCall(() =>
      begun
        .then(() => this.within(acquired, patience))
        .then(() => this.tell((handlers) => handlers.lost(term, reason))),
    );
    this.previous = lost;
    return lost;
  }

  private async tell(call: (handlers: TermHandlers) => unknown): Promise<void> {
    const results = await Promise.allSettled([...this.handlers].map(async (handlers) => call(handlers)));
    for (const result of results) {
      if (result.status === 'rejected') {
        this.trouble.handlerFailed(
          new LeaderElectionError(
            'HANDLER_FAILED',
            `A leadership handler failed: ${result.reason instanceof Error ? (result.reason.stack ?? result.reason.message) : String(result.reason)}`,
            'The election goes on; mend the handler.',
            { cause: result.reason },
          ),
        );
      }
    }
  }

  /** Settles with `promise`, or after `milliseconds`. */
  private within(promise: Promise<unknown>, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.setTimer(resolve, milliseconds);
      void promise.finally(() => {
        cancel();
        resolve();
      });
    });
  }
}
