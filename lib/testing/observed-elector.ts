import type { LeaderElectorSetup, TermHandlers } from '../election/index.js';
import { LeaderElectionService } from '../leader-election.service.js';

// Taken at import, see TestClock.
const { setTimeout } = globalThis;

/**
 * An acquired handler may run as long as its term: one that has not returned after so many rests is taken for such. Not one long rest,
 * which on a busy machine is over before the handler has had its turns.
 */
const RESTS = 100;
/** Milliseconds. */
const REST = 2;

/** The real elector, that tells when the handlers of a term have been told and have returned. */
export class ObservedElector extends LeaderElectionService {
  private readonly running = { acquired: new Set<Promise<unknown>>(), lost: new Set<Promise<unknown>>() };
  private readonly told = { acquired: new Set<() => void>(), lost: new Set<() => void>() };

  constructor(setup: LeaderElectorSetup) {
    super(setup);
    super.onTerms({ acquired: () => this.tell('acquired'), lost: () => this.tell('lost') });
  }

  override onTerms({ acquired, lost }: TermHandlers): () => void {
    return super.onTerms({
      acquired: (term) => this.run('acquired', async () => acquired(term)),
      lost: (term, reason) => this.run('lost', async () => lost(term, reason)),
    });
  }

  /** Resolves once the handlers of the next such event have returned. */
  async handled(event: keyof TermHandlers): Promise<void> {
    await new Promise<void>((resolve) => this.told[event].add(resolve));
    // Handlers of one event are called in one tick, some of them after the one that told.
    await Promise.resolve();
    await this.settled();
  }

  /** Resolves once all handlers have returned, but for `acquired` ones that run as long as their term. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.running.lost);
    for (let rest = 0; rest < RESTS && this.running.acquired.size > 0; rest += 1) {
      await Promise.race([
        Promise.allSettled(this.running.acquired),
        new Promise((resolve) => setTimeout(resolve, REST)),
      ]);
    }
  }

  private run(event: keyof TermHandlers, handler: () => Promise<unknown>): Promise<unknown> {
    const running = handler();
    this.running[event].add(running);
    const done = () => this.running[event].delete(running);
    running.then(done, done);
    return running;
  }

  private tell(event: keyof TermHandlers): void {
    for (const resolve of this.told[event]) resolve();
    this.told[event].clear();
  }
}
