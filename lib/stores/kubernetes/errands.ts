import { isLeaderElectionError } from '../../election/errors.js';
import type { ElectionLog } from '../../election/log.js';

const TIME_LIMIT = 5_000;

/** Requests that the election never waits for and never fails by, one after the other. What goes wrong is said once per kind. */
export class Errands {
  private last: Promise<void> = Promise.resolve();
  private readonly complained = new Set<string>();
  private readonly over = new AbortController();

  constructor(
    private readonly lease: string,
    private readonly log?: ElectionLog,
  ) {}

  /** Begins after whatever the election is doing at the moment, and `pause` milliseconds. `what` completes the sentence "could not …". */
  run(what: string, work: (signal: AbortSignal) => Promise<void>, pause = 0): void {
    this.last = this.last
      .then(() => new Promise((resolve) => (pause > 0 ? setTimeout(resolve, pause) : setImmediate(resolve))))
      .then(() => this.begin(work))
      .catch((error: unknown) => this.complain(what, error));
  }

  /** Resolves when all are done, or after `patience` milliseconds. What is not done by then never will be. */
  async close(patience: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, patience)));
    // Each may have begun another.
    const all = async () => {
      for (let last; last !== this.last; await last) last = this.last;
    };
    await Promise.race([all(), enough]);
    clearTimeout(timer);
    this.over.abort();
  }

  private async begin(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!this.over.signal.aborted) await work(AbortSignal.any([this.over.signal, AbortSignal.timeout(TIME_LIMIT)]));
  }

  private complain(what: string, error: unknown): void {
    if (this.complained.has(what)) return;
    this.complained.add(what);
    const advice = isLeaderElectionError(error) && error.advice ? ` ${error.advice}` : '';
    const message = error instanceof Error ? error.message : String(error);
    this.log?.warn(`Lease "${this.lease}": could not ${what}: ${message}${advice}`);
  }
}
