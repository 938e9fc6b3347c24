/**
 * What `work` gives, or a rejection with `reason()` as soon as `signal` aborts. Work that has begun goes on unheard;
 * with a signal that is aborted already it never begins.
 */
export function abortable<T>(work: () => Promise<T>, signal: AbortSignal, reason: () => unknown): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(reason());
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp);
    void work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', giveUp));
  });
}
