import type { FencingTokenStore } from './fencing-token-store.js';

/** For one process, and as long as it lives: after a restart the first token that comes is believed. */
export class MemoryFencingTokenStore implements FencingTokenStore {
  private readonly highest = new Map<string, bigint>();

  async accept(resource: string, token: bigint): Promise<boolean> {
    const highest = this.highest.get(resource);
    if (highest !== undefined && token < highest) return false;
    this.highest.set(resource, token);
    return true;
  }
}
