import { AsyncResource } from 'node:async_hooks';
import { mayBegin, onceOver, type Admission } from './admission.js';

/**
 * `source`, such that from the first `next()` to its end it is admitted work. When the term's signal aborts,
 * a pending `next()` rejects and `source` is told to return.
 */
export function admitAsyncGenerator<T, R>(
  admission: Admission,
  source: AsyncGenerator<T, R, unknown>,
): AsyncGenerator<T, R, unknown> {
  let consumption: Consumption<T, R> | undefined;
  const consume = () => (consumption ??= new Consumption(admission, source));
  return {
    next: (...values) => consume().step(() => source.next(...(values as [unknown]))),
    // Before the first step there is nothing to admit: the generator ends without having run.
    return: (value) => (consumption === undefined ? source.return(value) : consume().step(() => source.return(value))),
    throw: (error) => consume().step(() => source.throw(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await this.return(undefined as R);
    },
  };
}

/** One admission that lasts as long as its source does. */
class Consumption<T, R> {
  private inContext!: <V>(step: () => V) => V;
  private end!: () => void;
  private fail!: () => void;
  private readonly over: Promise<never>;

  constructor(
    private readonly admission: Admission,
    private readonly source: AsyncGenerator<T, R, unknown>,
  ) {
    const { election, term, refuse } = admission;
    const settled = election.track(
      term,
      () =>
        new Promise<void>((end) => {
          this.end = end;
          const resource = new AsyncResource('nestjs-leader:generator');
          this.inContext = (step) => resource.runInAsyncScope(step);
        }),
    );
    this.over = new Promise<never>((_, reject) => {
      this.fail = () => {
        void refuse().then(reject);
        void this.finish();
      };
    });
    // Nobody may be waiting for the next value when the term ends.
    this.over.catch(() => {});
    void settled.then(onceOver(term, this.fail));
  }

  /** One `next`, `return` or `throw`, run as the admitted work. */
  step(run: () => Promise<IteratorResult<T, R>>): Promise<IteratorResult<T, R>> {
    if (!mayBegin(this.admission)) {
      this.fail();
      return this.over;
    }
    // By hand written iterators throw where they should reject, and give what is no result: their work is over then, too.
    const stepping = this.inContext(async () => run());
    // Only the source itself says that its work is over: after an abort it may still be in the middle of a step.
    void stepping.then(({ done }) => done && this.end()).catch(this.end);
    return Promise.race([this.over, stepping]);
  }

  private async finish(): Promise<void> {
    try {
      await this.inContext(() => this.source.return(undefined as R));
    } catch {
      // The consumer is told that the term is over; how its source took that no longer matters to anyone.
    } finally {
      this.end();
    }
  }
}
