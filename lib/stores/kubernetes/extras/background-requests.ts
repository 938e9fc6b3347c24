import { isLeaderElectionError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import type { ElectionLog } from '../../../election/report/election-log.js';

const TIME_LIMIT = 5_000;

/** Requests that the election never waits for and that cannot make it fail, one after the other. What goes wrong is told once per kind. */
export class BackgroundRequests {
  private last: Promise<void> = Promise.resolve();
  private readonly complained = new Set<string>();
  /** What the election tells already. */
  private known: string | undefined;
  private readonly over = new AbortController();

  constructor(
    private readonly lease: string,
    private readonly log?: ElectionLog,
  ) {}

  /** What keeps the election from the lease, or nothing. A request that fails for the same reason has nothing to add. */
  leaseFails(error: unknown): void {
    this.known = error === undefined ? undefined : signature(error);
  }

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
    if (this.complained.has(what) || signature(error) === this.known) return;
    this.complained.add(what);
    const advice = isLeaderElectionError(error) && error.advice ? ` ${error.advice}` : '';
    const message = isLeaderElectionError(error)
      ? error.message
      : quoted(error instanceof Error ? error.message : error);
    this.log?.warn(`Lease "${quoted(this.lease)}": could not ${what}: ${message}${advice}`);
  }
}

function signature(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return JSON.stringify([code, message]);
}
