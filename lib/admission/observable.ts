import { Observable, Subscription } from 'rxjs';
import type { Admission } from './admission.js';

/**
 * `source`, such that every subscription is admitted work from subscribe to the end of the stream. When the term's
 * signal aborts the stream fails: one that completed would pass for a whole answer.
 */
export function admitObservable<T>({ election, term, refuse }: Admission, source: Observable<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const consumption = new Subscription();
    const end = async () => {
      // First the work, then the word about it, which may have to be imported.
      consumption.unsubscribe();
      subscriber.error(await refuse());
    };
    if (term.signal.aborted) return void end();
    term.signal.addEventListener('abort', end, { once: true });
    const settled = election.track(
      term,
      () =>
        new Promise<void>((ended) => {
          // Unsubscribing, completion and failure all end here: the drain waits for nothing that nobody consumes.
          consumption.add(ended);
          // An observer, not the subscriber itself: ending the consumption must not close the way for the error.
          consumption.add(
            source.subscribe({
              next: (value) => subscriber.next(value),
              error: (error: unknown) => subscriber.error(error),
              complete: () => subscriber.complete(),
            }),
          );
        }),
    );
    void settled.then(() => term.signal.removeEventListener('abort', end));
    return consumption;
  });
}
