import { LeaderElectionConfigError } from '../election/index.js';
import { checkToken, resourceName } from './checks.js';
import type { FencingTokenStore } from './fencing-token-store.js';
import { FencingStoreFullError } from './unfenceable-error.js';

/** Of a {@link MemoryFencingTokenStore}. */
export interface MemoryFencingTokenStoreOptions {
  /** How many resources it remembers at most. Default 10 000, some megabytes. */
  maxResources?: number;
}

/**
 * For one process, and as long as it lives: after a restart the first token that comes is believed. Forgets nothing before: where
 * requests make up names of resources, it refuses new ones once it is full.
 */
export class MemoryFencingTokenStore implements FencingTokenStore {
  private readonly highest = new Map<string, bigint>();
  private readonly maxResources: number;

  constructor({ maxResources = 10_000 }: MemoryFencingTokenStoreOptions = {}) {
    if (!Number.isSafeInteger(maxResources) || maxResources < 1) {
      throw new LeaderElectionConfigError(
        `maxResources is ${String(maxResources)} but must be a whole number, 1 or more.`,
        'Write new MemoryFencingTokenStore({ maxResources: 10_000 }).',
      );
    }
    this.maxResources = maxResources;
  }

  /** @throws FencingStoreFullError for a resource that is new when it is full */
  async accept(resource: string, token: bigint): Promise<boolean> {
    const name = resourceName(resource);
    checkToken(token);
    const highest = this.highest.get(name);
    if (highest !== undefined && token < highest) return false;
    if (highest === undefined && this.highest.size >= this.maxResources)
      throw new FencingStoreFullError(this.maxResources);

    this.highest.set(name, token);
    return true;
  }
}
