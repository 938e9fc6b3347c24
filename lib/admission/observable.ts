import { Observable, Subscription } from 'rxjs';
import { owesAnswer } from '../handlers/handler-kind.js';
import { mayBegin, onceOver, type Admission } from './admission.js';

/**
 * `source`, such that every subscription is admitted work from subscribe to the end of the stream. When the term is over the stream
 * fails: one that completed would pass for a whole answer. When it drains, an answer that somebody waits for is waited for, as that of
 * a promise is: unsubscribing would not stop what goes on in promises, and the successor would do it again.
 */
export function admitObservable<T>(admission: Admission, source: Observable<T>): Observable<T> {
  const { election, term, kind, refuse } = admission;
  return new Observable<T>((subscriber) => {
    const consumption = new Subscription();
    let hasEmitted = false;
    let draining = false;
    const end = async () => {
      draining = true;
      if (term.isValid() && owesAnswer(kind(), hasEmitted)) return;
      // First the work, then the word about it, which may have to be imported.
      consumption.unsubscribe();
      subscriber.error(await refuse());
    };
    if (!mayBegin(admission)) return void refuse().then((error) => subscriber.error(error));
    const forget = onceOver(term, end);
    const settled = election.track(
      term,
      () =>
        new Promise<void>((ended) => {
          // Unsubscribing, completion and failure all end here: the drain waits for nothing that nobody consumes.
          consumption.add(ended);
          // An observer, not the subscriber itself: ending the consumption must not close the way for the error.
          const observer = {
            next: (value: T) => {
              hasEmitted = true;
              subscriber.next(value);
              // What completes with its answer does so right after it.
              if (draining) queueMicrotask(end);
            },
            error: (error: unknown) => subscriber.error(error),
            complete: () => subscriber.complete(),
          };
          try {
            consumption.add(source.subscribe(observer));
          } catch (error) {
            // RxJS never throws here; another library's, which only looks like its own, may.
            subscriber.error(error);
          }
        }),
    );
    void settled.then(forget);
    return consumption;
  });
}
