import { setMaxListeners } from 'node:events';
import type { LeadershipTerm } from '../election/index.js';
import type { HandlerKind } from '../handlers/handler-kind.js';
import type { LeaderElectionService } from '../leader-election.service.js';

/** Under what a gated call was let in, for what it hands back and works on later. */
export interface Admission {
  readonly election: LeaderElectionService;
  readonly term: LeadershipTerm;
  /** Of the handler that handed it back. */
  kind(): HandlerKind | undefined;
  /** The error that whoever consumes the result understands, once the term is over. */
  refuse(): Promise<Error>;
}

/**
 * Whether work may begin under it now, also as part of work that is being drained. The term's signal would say so too long: nothing
 * aborts it while the process is paused.
 */
export function mayBegin({ election, term }: Admission): boolean {
  return election.admits(term);
}

/** Calls `ended` when `term` is over, or its drain begins. Returns the way to take it off: a term may last for months. */
export function onceOver({ signal }: LeadershipTerm, ended: () => void): () => void {
  // A leader may have any number of streams open.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', ended, { once: true });
  return () => signal.removeEventListener('abort', ended);
}
