import { LeaderElectionError } from '../../../election/errors.js';
import type { ApiClient } from '../api/api-client.js';
import { pause } from '../api/pause.js';
import { isSameIncarnation, type Incarnation } from './incarnation.js';
import { watchPod } from './pod-api.js';
import { provesDeath, type PodObject } from './proof-of-death.js';

/** Milliseconds. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

interface Waiting {
  readonly who: Incarnation;
  proven(): void;
  failed(error: unknown): void;
}

/** One watch for each Pod that holds something, however many elections it leads. */
export class PodWatches {
  private readonly watches = new Map<
    string,
    { readonly waiting: Set<Waiting>; readonly controller: AbortController }
  >();
  /** Refused once, it is not tried again at each renewal of each holder. */
  private refused: { readonly error: unknown; readonly until: number } | null = null;

  constructor(private readonly client: ApiClient) {}

  /**
   * Resolves once the Pod proves that the process is dead. Rejects where Pods may not be watched, and when `signal` aborts.
   */
  death(who: Incarnation, signal: AbortSignal): Promise<void> {
    if (this.refused !== null && performance.now() < this.refused.until) return Promise.reject(this.refused.error);
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const key = `${who.namespace}/${who.pod}`;
      const watch = this.watches.get(key) ?? this.open(key, who);
      const leave = (): void => {
        signal.removeEventListener('abort', aborted);
        watch.waiting.delete(waiting);
        if (watch.waiting.size > 0) return;
        watch.controller.abort();
        if (this.watches.get(key) === watch) this.watches.delete(key);
      };
      const aborted = (): void => {
        leave();
        reject(signal.reason);
      };
      const waiting: Waiting = {
        who,
        proven: () => {
          leave();
          resolve();
        },
        failed: (error) => {
          leave();
          reject(error);
        },
      };
      signal.addEventListener('abort', aborted, { once: true });
      watch.waiting.add(waiting);
    });
  }

  close(): void {
    for (const { controller } of this.watches.values()) controller.abort();
  }

  private open(key: string, who: Incarnation) {
    const watch = { waiting: new Set<Waiting>(), controller: new AbortController() };
    this.watches.set(key, watch);
    void this.follow(watch.waiting, who, watch.controller.signal);
    return watch;
  }

  private async follow(waiting: Set<Waiting>, where: Incarnation, signal: AbortSignal): Promise<void> {
    for (let milliseconds = FIRST_PAUSE; !signal.aborted; milliseconds = Math.min(2 * milliseconds, LONGEST_PAUSE)) {
      try {
        for await (const pod of watchPod(this.client, where, signal)) {
          milliseconds = FIRST_PAUSE;
          tell(waiting, pod);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof LeaderElectionError && error.code === 'STORE_FORBIDDEN')
          return this.giveUp(waiting, error);
        // The watch of the lease tells of a store that does not answer; here nothing waits.
      }
      await pause(milliseconds, signal);
    }
  }

  private giveUp(waiting: Set<Waiting>, error: unknown): void {
    this.refused = { error, until: performance.now() + 2 * LONGEST_PAUSE };
    for (const one of waiting) one.failed(error);
  }
}

function tell(waiting: Set<Waiting>, pod: PodObject): void {
  for (const one of waiting) {
    if (!provesDeath(pod, one.who)) continue;
    for (const other of waiting) if (isSameIncarnation(other.who, one.who)) other.proven();
  }
}
