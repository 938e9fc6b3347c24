import { recogniseByCode } from '../election/errors.js';
import { LeaderElectionError } from '../election/index.js';

/** Nothing can be compared with what came: no token that a term can have, or no name of a resource. Nothing was written. */
export class UnfenceableError extends LeaderElectionError {
  override readonly name = 'UnfenceableError';

  constructor(message: string, advice?: string) {
    super('UNFENCEABLE', message, advice);
  }
}

/** A {@link MemoryFencingTokenStore} has as many resources as it may remember, and this is none of them. */
export class FencingStoreFullError extends LeaderElectionError {
  override readonly name = 'FencingStoreFullError';

  constructor(
    /** How many it may remember. */
    readonly maxResources: number,
  ) {
    super(
      'FENCING_STORE_FULL',
      `The memory store of fencing tokens remembers ${maxResources} resources and takes no new one: to forget an old one would let older tokens in.`,
      'Name resources from a bounded set, let FencingGuard run after authentication, or raise new MemoryFencingTokenStore({ maxResources }).',
    );
  }
}

recogniseByCode(UnfenceableError, /^UNFENCEABLE$/);
recogniseByCode(FencingStoreFullError, /^FENCING_STORE_FULL$/);
