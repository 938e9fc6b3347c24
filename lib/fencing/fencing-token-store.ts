import { checkToken, resourceName } from './checks.js';
import { FencedError } from './fenced-error.js';

/** Injection token of the store that a {@link FencingGuard} asks. */
export const FencingTokenStore = Symbol.for('nestjs-leader:fencing-token-store');

/** Keeps the highest token seen of each resource. */
export interface FencingTokenStore {
  /**
   * In one atomic step: if no higher token has been seen of the resource, remembers this one and resolves true; else
   * changes nothing and resolves false. The same token is accepted again: a term writes more than once.
   */
  accept(resource: string, token: bigint): Promise<boolean>;
}

/**
 * For whatever does not arrive by HTTP: messages, files, jobs.
 *
 * @throws FencedError when a later term has been here
 * @throws UnfenceableError for what is no name of a resource, or no token
 */
export async function assertNotFenced(store: FencingTokenStore, resource: string, token: bigint): Promise<void> {
  const name = resourceName(resource);
  checkToken(token);
  if (!(await store.accept(name, token))) throw new FencedError(name, token);
}
