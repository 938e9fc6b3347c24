import type { LeadershipTerm } from '../election/index.js';
import type { LeaderElectionService } from '../leader-election.service.js';

/** Under what a gated call was let in, for what it hands back and works on later. */
export interface Admission {
  readonly election: LeaderElectionService;
  readonly term: LeadershipTerm;
  /** The error that whoever consumes the result understands, once the term is over. */
  refuse(): Promise<Error>;
}
