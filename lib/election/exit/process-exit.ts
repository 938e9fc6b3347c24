import { isMainThread } from 'node:worker_threads';
import { systemClock } from '../clock/system-clock.js';
import { processWide } from '../process-wide.js';
import type { Exit, LastRequest, Leaver } from './exit.js';
import { whatOutlivesExit } from './offspring.js';

/** Milliseconds that the end of the process waits for answers. */
const LONGEST_WAIT = 100;

/** Node sets it when it begins to exit; `process.emit('exit')` by hand does not. No public property tells. */
const EXITING = '_exiting';
const node = process as unknown as { [EXITING]?: boolean };

/** One listener, however many elections and copies of the package there are. */
class ProcessExit implements Exit {
  private readonly leavers = new Set<Leaver>();
  private readonly listener = (): void => this.exits();

  join(leaver: Leaver): () => void {
    // The exit of a worker thread is not that of the process.
    if (!isMainThread) return () => undefined;
    this.leavers.add(leaver);
    this.stayLast();
    return () => {
      this.leavers.delete(leaver);
      if (this.leavers.size === 0) process.off('exit', this.listener);
    };
  }

  stayLast(): void {
    if (this.leavers.size === 0 || this.isLast()) return;
    process.off('exit', this.listener);
    process.on('exit', this.listener);
  }

  obstacle(): string | null {
    return isMainThread ? whatOutlivesExit() : 'A worker thread cannot tell whether its process ends.';
  }

  /** Nothing here may throw: the listeners of others have a right to their exit. */
  private exits(): void {
    if (node[EXITING] !== true) return;
    const leavers = [...this.leavers];
    const sent: LastRequest[] = [];
    // Never runs in a process that ends.
    setImmediate(() => this.survived(leavers, sent));
    // All of them first: no work of this process may hold one lease for valid while another is let go.
    const farewells = leavers.map((leaver) => attempt(() => leaver.depart()));
    // After that, because what hears of the end of a term may start a process. A listener after ours may throw, and the process lives on.
    if (!this.isLast() || this.obstacle() !== null) return;
    for (const send of farewells) {
      const request = send && attempt(send);
      if (request) sent.push(request);
    }
    waitFor(sent);
  }

  private survived(leavers: readonly Leaver[], sent: readonly LastRequest[]): void {
    // As long as it is set, Node runs no `process.nextTick`, and no request of anybody would ever be answered.
    node[EXITING] = false;
    for (const request of sent) request.close();
    for (const leaver of leavers) leaver.survived();
  }

  private isLast(): boolean {
    return process.listeners('exit').at(-1) === this.listener;
  }
}

export const processExit: Exit = processWide('exit', () => new ProcessExit());

/** One election that fails must not silence the others. */
function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch {
    return null;
  }
}

/** A server cancels what it has not answered when the connection closes, and the end of the process closes it. */
function waitFor(sent: readonly LastRequest[]): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const until = systemClock.now() + LONGEST_WAIT;
  while (systemClock.now() < until && sent.some((request) => !request.isAnswered())) Atomics.wait(cell, 0, 0, 1);
}
