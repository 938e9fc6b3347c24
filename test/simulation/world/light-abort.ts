/**
 * As much of `AbortSignal` as an election uses: the platform's take 5 µs each on Node 20 and 2 more to abort on Node 26, together more than the
 * rest of a history, or a fifth of it. Whatever else is called on it throws, and a throw is a broken promise. `swarm.spec.ts` plays
 * the same histories on both.
 */
class LightSignal {
  aborted = false;
  reason: unknown;
  private listeners: (() => void)[] | null = null;

  addEventListener(_abort: 'abort', listener: () => void): void {
    if (this.listeners) this.listeners.push(listener);
    else this.listeners = [listener];
  }

  removeEventListener(_abort: 'abort', listener: () => void): void {
    const at = this.listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.listeners!.splice(at, 1);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const { listeners } = this;
    this.listeners = null;
    if (listeners) for (const listener of listeners) listener();
  }
}

class LightController {
  readonly signal = new LightSignal();

  abort(reason: unknown = new Error('aborted')): void {
    this.signal.abort(reason);
  }
}

/** From here on, in this thread. Returns the way back. */
export function abortLightly(): () => void {
  const platforms = globalThis.AbortController;
  globalThis.AbortController = LightController as unknown as typeof AbortController;
  return () => void (globalThis.AbortController = platforms);
}
