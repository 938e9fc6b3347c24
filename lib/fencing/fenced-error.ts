import { recogniseByCode } from '../election/errors.js';
import { LeaderElectionError } from '../election/index.js';
import { quoted } from '../election/report/quoted.js';

/** A write came from a term that is over: a later one has written to the same resource. */
export class FencedError extends LeaderElectionError {
  override readonly name = 'FencedError';

  constructor(
    /** What was to be written to. */
    readonly resource: string,
    /** The token that came too late. */
    readonly token: bigint,
  ) {
    super(
      'FENCED',
      `A later term than ${token} has written to "${quoted(resource)}".`,
      'Nothing was written. Stop this work: its replica leads no longer, another does.',
    );
  }
}

recogniseByCode(FencedError, /^FENCED$/);
