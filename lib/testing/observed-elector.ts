import { LeaderElector, type LeaderElectorSetup, type TermHandlers } from '../election/index.js';

// Taken at import, see TestClock.
const { setTimeout } = globalThis;

/** A handler may run as long as its term: one that has not returned by then is taken for such. Milliseconds. */
const PATIENCE = 100;

/** The real elector, that tells when the handlers of a term have been told and have returned. */
export class ObservedElector extends LeaderElector {
  private readonly running = new Set<Promise<unknown>>();
  private readonly told = { acquired: new Set<() => void>(), lost: new Set<() => void>() };

  constructor(setup: LeaderElectorSetup) {
    super(setup);
    super.onTerms({ acquired: () => this.tell('acquired'), lost: () => this.tell('lost') });
  }

  override onTerms({ acquired, lost }: TermHandlers): () => void {
    return super.onTerms({
      acquired: (term) => this.run(async () => acquired(term)),
      lost: (term, reason) => this.run(async () => lost(term, reason)),
    });
  }

  /** Resolves once the handlers of the next such event have returned, `acquired` ones at most {@link PATIENCE} later. */
  async handled(event: keyof TermHandlers): Promise<void> {
    await new Promise<void>((resolve) => this.told[event].add(resolve));
    // Handlers of one event are called in one tick, some of them after the one that told.
    await Promise.resolve();
    const returned = Promise.allSettled(this.running);
    if (event === 'lost') await returned;
    else await Promise.race([returned, new Promise((resolve) => setTimeout(resolve, PATIENCE).unref())]);
  }

  private run(handler: () => Promise<unknown>): Promise<unknown> {
    const running = handler();
    this.running.add(running);
    const done = () => this.running.delete(running);
    running.then(done, done);
    return running;
  }

  private tell(event: keyof TermHandlers): void {
    for (const resolve of this.told[event]) resolve();
    this.told[event].clear();
  }
}
