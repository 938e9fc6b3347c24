import type { LeaderElector, LeadershipTerm, LossReason } from '../election/index.js';
import { publish, type ElectionSubject } from './channels.js';

/** Publishes what becomes of the ticks of an elector's jobs. */
export function observeTicks(elector: LeaderElector, subject: ElectionSubject): void {
  elector.ticks$.subscribe(({ scheduledAt, ...event }) =>
    publish('tick', () => ({ ...subject, ...event, scheduledAt: new Date(scheduledAt) })),
  );
}

/** Publishes the terms of an elector. Returns what is to be called when the lease is released. */
export function observeTerms(elector: LeaderElector, subject: ElectionSubject): () => void {
  let ended: { term: LeadershipTerm; at: number } | undefined;
  elector.term$.subscribe((term) => {
    if (term === null) return;
    ended = undefined;
    publish('termBegan', () => ({ ...subject, fencingToken: term.fencingToken }));
    term.signal.addEventListener('abort', () => {
      ended = { term, at: performance.now() };
      const reason = term.signal.reason as LossReason;
      publish('termEnded', () => ({ ...subject, fencingToken: term.fencingToken, reason }));
    });
  });
  return () => {
    if (ended === undefined) return;
    const { term, at } = ended;
    ended = undefined;
    publish('termDrained', () => ({ ...subject, fencingToken: term.fencingToken, duration: performance.now() - at }));
  };
}
