import { filter, isObservable, Observable } from 'rxjs';
import type { LeadershipTerm } from '../election/index.js';
import type { LeaderElectionService } from '../leader-election.service.js';

/** How a saga asks whether it may see an event, and gives a command. */
export interface SagaGate {
  leads(): boolean;
  /** Only while this replica leads. */
  run(work: () => void): void;
}

/**
 * A saga, gated event by event. It is called once, at boot, when nobody leads yet: gated as a call it would be skipped for good. So it is
 * always called; on a standby it sees no event, and what it gives later (after a delay, say) goes nowhere.
 */
export function gatedSaga(gate: SagaGate, saga: (events$: unknown) => unknown, events$: Observable<unknown>): unknown {
  const commands$ = saga(events$.pipe(filter(() => gate.leads())));
  if (!isObservable(commands$)) return commands$;
  return new Observable((subscriber) =>
    commands$.subscribe({
      next: (command) => gate.run(() => subscriber.next(command)),
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    }),
  );
}

export function sagaGate(election: LeaderElectionService): SagaGate {
  const admit = (): LeadershipTerm | null => {
    try {
      return election.admit();
    } catch {
      // The event comes from admitted work whose term is over. Thrown here it would end the saga for good.
      return null;
    }
  };
  return {
    leads: () => admit() !== null,
    run: (work) => {
      const term = admit();
      if (term !== null) election.track(term, work);
    },
  };
}
