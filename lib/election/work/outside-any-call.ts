import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/** Under which symbols of a resource Node keeps the contexts in which it was made: up to Node 22, and from 24 on. */
const KEPT_UNDER: ReadonlySet<string | undefined> = new Set(['kResourceStore', 'context_frame']);

/** Should Node ever keep them elsewhere: then they are those of whoever imported this first, and not of every caller. */
const atImport = AsyncLocalStorage.snapshot();

/**
 * Runs in no asynchronous context at all: neither in that of an admitted call nor in another library's, the request say in which
 * somebody called or first imported this. Each time in a new one: what a handler enters (`enterWith`) ends with it.
 */
export function outsideAnyCall<T>(run: () => T): T {
  return atImport(() => {
    const nowhere = new AsyncResource('nestjs-leader');
    for (const key of Object.getOwnPropertySymbols(nowhere)) {
      // There is no public way out of the contexts of others: `exit()` of a storage needs that storage.
      if (KEPT_UNDER.has(key.description)) (nowhere as unknown as Record<symbol, unknown>)[key] = undefined;
    }
    return nowhere.runInAsyncScope(run);
  });
}
