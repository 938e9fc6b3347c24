import type { Clock } from '../clock/clock.js';
import { settlesWithin } from '../clock/settles-within.js';
import { LeaderElectionError } from '../errors.js';
import type { TermHandlers } from '../election.js';
import type { LeadershipTerm, LossReason } from '../leadership-term.js';
import type { Gate } from './gate.js';
import { outsideAnyCall } from './outside-any-call.js';
import type { Timings } from '../rules/timings.js';
import { inWords, stackOf } from '../report/quoted.js';
import type { StoreHealth } from '../report/store-health.js';

/** What handlers have been told of one term. */
interface Notice {
  /** Who heard of its beginning: they hear of its end, nobody else does. */
  told: readonly TermHandlers[];
  /** Settles when the `acquired` handlers have been called. */
  begun: Promise<unknown>;
  /** Settles with the `acquired` handlers. */
  acquired: Promise<unknown>;
}

/** Tells handlers of terms, one after the other: acquired(n), lost(n), acquired(n+1). A handler that hangs delays the next at most `drainTimeout`. */
export class TermHandlerQueue {
  private readonly handlers = new Set<TermHandlers>();
  private notice: Notice = { told: [], begun: Promise.resolve(), acquired: Promise.resolve() };
  private lost: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly gate: Gate,
    private readonly clock: Clock,
    private readonly timings: Timings,
    private readonly health: StoreHealth,
  ) {}

  add(handlers: TermHandlers): () => void {
    this.handlers.add(handlers);
    return () => this.handlers.delete(handlers);
  }

  tellAcquired(term: LeadershipTerm): void {
    const notice: Notice = (this.notice = { told: [], begun: this.lost, acquired: Promise.resolve() });
    notice.begun = outsideAnyCall(() => settlesWithin(this.clock, this.timings.drainTimeout, this.lost)).then(() => {
      // Over before anybody was told: then nobody is. No handler may begin work for a term that is no more.
      if (!term.signal.aborted) {
        notice.told = [...this.handlers];
        notice.acquired = this.tell(term, notice.told, (handlers) => handlers.acquired(term));
      }
    });
  }

  /** Resolves once the `lost` handlers have settled. */
  tellLost(term: LeadershipTerm, reason: LossReason): Promise<unknown> {
    const { notice } = this;
    // An `acquired` that ends promptly on its signal is let finish; one that runs until `lost` stops it must not block it.
    const patience = Math.min(this.timings.retryPeriod, this.timings.drainTimeout);
    this.lost = outsideAnyCall(async () => {
      await notice.begun;
      const told = notice.told.filter((handlers) => this.handlers.has(handlers));
      if (told.length > 0) {
        await settlesWithin(this.clock, patience, notice.acquired);
        await this.tell(term, told, (handlers) => handlers.lost(term, reason));
      }
    });
    return this.lost;
  }

  /** Tracked by the gate, so that a handler that steps down or stops is known to be what the release waits for. */
  private tell(term: LeadershipTerm, told: readonly TermHandlers[], call: (handlers: TermHandlers) => unknown) {
    const telling = () => Promise.all(told.map((handlers) => this.tellOne(handlers, call)));
    return this.gate.track(term, telling, { joinable: false });
  }

  private async tellOne(handlers: TermHandlers, call: (handlers: TermHandlers) => unknown): Promise<void> {
    try {
      await call(handlers);
    } catch (cause) {
      this.health.handlerFailed(
        new LeaderElectionError(
          'HANDLER_FAILED',
          `A leadership handler failed: ${stackOf(cause) ?? inWords(cause)}`,
          'The election goes on; fix the handler.',
          { cause },
        ),
      );
    }
  }
}
