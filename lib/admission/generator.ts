import { NotLeaderError } from '../election/index.js';
import { mayBegin, type Admission } from './admission.js';

/** `source`, such that each of its steps is admitted work: a synchronous generator does nothing between them. */
export function admitGenerator<T, R>(admission: Admission, source: Generator<T, R, unknown>): Generator<T, R, unknown> {
  const { election, term } = admission;
  const step = (run: () => IteratorResult<T, R>): IteratorResult<T, R> => {
    if (!mayBegin(admission)) {
      try {
        source.return(undefined as R);
      } catch {
        // The consumer is told that the term is over; how its source took that no longer matters to anyone.
      }
      throw new NotLeaderError(election.name);
    }
    return election.track(term, run);
  };
  return {
    next: (...values) => step(() => source.next(...(values as [unknown]))),
    return: (value) => source.return(value),
    throw: (error) => step(() => source.throw(error)),
    [Symbol.iterator]() {
      return this;
    },
    [Symbol.dispose]() {
      source.return(undefined as R);
    },
  };
}
