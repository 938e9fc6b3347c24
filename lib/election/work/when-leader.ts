import { NEVER, Observable, filter, firstValueFrom, map, merge } from 'rxjs';
import { ElectionStoppedError } from '../errors.js';
import type { LeadershipTerm } from '../leadership-term.js';

/** The next valid term; rejects at a stop of the election, and with the signal's reason when that aborts. */
export function whenLeader(
  election: string,
  term$: Observable<LeadershipTerm | null>,
  stops$: Observable<void>,
  signal?: AbortSignal,
): Promise<LeadershipTerm> {
  const stopped$ = stops$.pipe(
    map((): never => {
      throw new ElectionStoppedError(election);
    }),
  );
  const begun$ = term$.pipe(filter((term): term is LeadershipTerm => term !== null && term.isValid()));
  return firstValueFrom(merge(signal === undefined ? NEVER : aborts(signal), stopped$, begun$));
}

function aborts(signal: AbortSignal): Observable<never> {
  return new Observable((subscriber) => {
    const abort = () => subscriber.error(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    return () => signal.removeEventListener('abort', abort);
  });
}
