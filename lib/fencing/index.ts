/**
 * Both ends of the fencing token: how a leader sends it, how a receiver refuses an older one.
 *
 * @module nestjs-leader/fencing
 */

export { FencedError } from './fenced-error.js';
export { fencedFetch, fencingInterceptor } from './fenced-requests.js';
export { FencedResource, type FencedResourceName } from './fenced-resource.decorator.js';
export { assertNotFenced, FencingTokenStore } from './fencing-token-store.js';
export { FENCING_TOKEN_HEADER, fencingHeaders, parseFencingToken } from './fencing-token.js';
export { FencingGuard } from './fencing.guard.js';
export { MemoryFencingTokenStore, type MemoryFencingTokenStoreOptions } from './memory-fencing-token-store.js';
export {
  sqlFencingTokenTable,
  SqlFencingTokenStore,
  type SqlClient,
  type SqlRows,
  type SqlFencingTokenStoreOptions,
} from './sql-fencing-token-store.js';
export { FencingStoreFullError, UnfenceableError } from './unfenceable-error.js';
