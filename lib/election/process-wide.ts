/** What is kept here is understood by all versions of this major one. */
const MAJOR = 0;

/**
 * The one value of that name in this process, whichever copy of the package asks: a bundle may carry the ES modules and the CommonJS of
 * it, and vitest loads both. Each with a state of its own, a call that one copy admitted would be unknown to the other.
 */
export function processWide<T extends object>(name: string, make: () => T): T {
  const kept = globalThis as unknown as Record<symbol, T | undefined>;
  return (kept[Symbol.for(`nestjs-leader:${MAJOR}:${name}`)] ??= make());
}
