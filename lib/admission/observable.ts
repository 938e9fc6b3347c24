import { Observable } from 'rxjs';
import { NotLeaderError, type LeadershipTerm } from '../election/index.js';
import type { LeaderElectionService } from '../leader-election.service.js';

/**
 * `source`, such that every subscription is admitted work of `term` from subscribe to the end of the stream. When the
 * term's signal aborts the stream fails: one that completed would pass for a whole answer.
 */
export function admitObservable<T>(
  election: LeaderElectionService,
  term: LeadershipTerm,
  source: Observable<T>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const fail = () => subscriber.error(new NotLeaderError(election.name));
    if (term.signal.aborted) return fail();
    term.signal.addEventListener('abort', fail, { once: true });
    void election.track(
      term,
      () =>
        new Promise<void>((ended) => {
          // Unsubscribing, completion and failure all end here: the drain waits for nothing that nobody consumes.
          subscriber.add(() => {
            term.signal.removeEventListener('abort', fail);
            ended();
          });
          subscriber.add(source.subscribe(subscriber));
        }),
    );
  });
}
