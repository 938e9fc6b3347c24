import type { Clock } from '../../election/clock/clock.js';
import { LeaseStoreError } from '../../election/errors.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from '../../election/lease-store.js';
import { Bell } from '../bell.js';
import type { Connection } from './connection.js';
import { journeyOf, type MemoryFault, type MemoryOperation } from './faults.js';
import type { LeaseTable } from './lease-table.js';

/** One lease as one client sees it, across a wire on which scripted faults happen. */
export class MemoryHandle implements LeaseHandle {
  readonly isWatchVouched = true;

  constructor(
    private readonly key: string,
    private readonly table: LeaseTable,
    private readonly connection: Connection,
    private readonly setTimer: Clock['setTimer'],
  ) {}

  read(signal: AbortSignal): Promise<Snapshot> {
    return this.ask('read', signal, (fault) =>
      this.table.snapshot(this.key, fault?.kind === 'stale' ? (fault.behind ?? 1) : 0),
    );
  }

  async replace(seen: Snapshot, record: LeaseRecord, signal: AbortSignal): Promise<WriteOutcome> {
    try {
      return await this.ask('replace', signal, () => this.table.replace(this.key, seen, record));
    } catch (cause) {
      return cause instanceof Refusal
        ? { kind: 'rejected', cause, retryAfter: cause.retryAfter }
        : { kind: 'unknown', cause };
    }
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Snapshot, void, undefined> {
    const watch = { bell: new Bell(), cut: false };
    // Conflates: only the newest state waits for a slow reader.
    let latest: Snapshot | undefined;
    const silent: boolean = await this.ask('watch', signal, (fault) => fault?.kind === 'silent');
    const stop = this.table.listen(this.key, (snapshot) => {
      latest = snapshot;
      watch.bell.ring();
    });
    this.connection.watches.add(watch);
    try {
      yield this.table.snapshot(this.key);
      while (!signal.aborted && !watch.cut) {
        await watch.bell.wait(signal);
        if (latest && !silent && !this.connection.muted && !signal.aborted) {
          const snapshot = latest;
          latest = undefined;
          yield snapshot;
        }
      }
    } finally {
      stop();
      this.connection.watches.delete(watch);
    }
  }

  isHolderGone(seen: Snapshot, signal: AbortSignal): Promise<boolean> {
    return this.ask('isHolderGone', signal, () => this.connection.gone.has(seen.lease?.record.holder ?? ''));
  }

  /** Sends one request on the journey that the script has for it. Rejects when refused, and when `signal` aborts before the answer. */
  private ask<T>(operation: MemoryOperation, signal: AbortSignal, work: (fault?: MemoryFault) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(unanswered(operation, signal));
      const fault = this.connection.script.take(operation);
      if (fault?.kind === 'rejected') return reject(new Refusal(fault.cause, fault.retryAfter));
      const giveUp = () => reject(unanswered(operation, signal));
      if (fault?.kind !== 'deaf') signal.addEventListener('abort', giveUp, { once: true });
      const { arrivals, response } = journeyOf(fault);
      for (const delay of arrivals) {
        // Aborting does not call a request back that is under way: it arrives all the same.
        this.after(delay, () => {
          const answer = work(fault);
          if (response === null) return;
          this.after(response, () => {
            signal.removeEventListener('abort', giveUp);
            resolve(answer);
          });
        });
      }
    });
  }

  private after(delay: number, then: () => void): void {
    if (delay > 0) this.setTimer(then, delay);
    else then();
  }
}

const ADVICE = 'Nothing goes wrong with a memory store but what its test scripts: see its faults.';

class Refusal extends LeaseStoreError {
  constructor(cause?: unknown, retryAfter?: number) {
    super('STORE_FORBIDDEN', 'The memory store refused a request.', { advice: ADVICE, cause, retryAfter });
  }
}

function unanswered(operation: MemoryOperation, signal: AbortSignal): LeaseStoreError {
  return new LeaseStoreError('STORE_TIMEOUT', `The memory store gave no answer to "${operation}" in time.`, {
    advice: ADVICE,
    cause: signal.reason,
  });
}
