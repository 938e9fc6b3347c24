import { LeaderElectionError } from '../election/index.js';

/** A write came from a term that is over: a later one has written to the same resource. */
export class FencedError extends LeaderElectionError {
  override readonly name = 'FencedError';

  constructor(
    readonly resource: string,
    readonly token: bigint,
  ) {
    super(
      'FENCED',
      `A later term than ${token} has written to "${resource}".`,
      'Nothing was written. Stop this work: its replica leads no longer, another does.',
    );
  }
}
