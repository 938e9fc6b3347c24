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
 */
export async function assertNotFenced(store: FencingTokenStore, resource: string, token: bigint): Promise<void> {
  if (!(await store.accept(resource, token))) throw new FencedError(resource, token);
}
