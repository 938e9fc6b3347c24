import { checkKeys } from '../../election/arguments.js';
import type { Clock } from '../../election/clock/clock.js';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { LeaseHandle, LeaseStore, Snapshot } from '../../election/lease-store.js';
import { Connection } from './connection.js';
import type { MemoryFault, MemoryOperation } from './faults.js';
import { LeaseTable } from './lease-table.js';
import { MemoryHandle } from './lease-handle.js';

/** Of {@link memoryLease}. */
export interface MemoryLeaseOptions {
  /** Carries the delays of scripted faults, so that virtual time works, and `age`. Default: the timers of the process. */
  clock?: Pick<Clock, 'now' | 'setTimer'>;
  /** Whether snapshots tell how old the lease is, as stores on one machine can. Default false. */
  age?: boolean;
}

/** Which lease: what an election calls it. */
export interface LeaseName {
  name: string;
  namespace?: string;
}

/**
 * A lease kept in this process. One instance is one store: the elections that share it stand against each other, others know nothing of it.
 * Deterministic: tokens count from 1, calls settle within microtasks, and nothing goes wrong but what a test scripts.
 */
export class MemoryLeaseStore implements LeaseStore {
  readonly name = 'memory';
  private readonly connection = new Connection();
  private readonly table: LeaseTable;

  constructor(
    private readonly options: MemoryLeaseOptions = {},
    table?: LeaseTable,
  ) {
    checkKeys('memoryLease', options, ['clock', 'age']);
    const { clock = PROCESS_CLOCK, age = false } = options;
    this.table = table ?? new LeaseTable(age ? () => clock.now() : undefined);
  }

  open(lease: LeaseName): LeaseHandle {
    const { clock = PROCESS_CLOCK } = this.options;
    return new MemoryHandle(keyOf(lease), this.table, this.connection, (run, delay) => clock.setTimer(run, delay));
  }

  /** The same leases over a connection of its own: faults scripted on it strike its elections only, as a partition strikes one replica. */
  connect(): MemoryLeaseStore {
    return new MemoryLeaseStore(this.options, this.table);
  }

  /** The next `times` calls of `operation` over this connection meet `fault`. Returns the way to call the rest of them off. */
  fault(operation: MemoryOperation, fault: MemoryFault, times = 1): () => void {
    return this.connection.script.add(operation, fault, times);
  }

  /** Watches of this connection, open ones too, say nothing more and do not end. Returns the way to let them speak again. */
  muteWatches(): () => void {
    this.connection.muted = true;
    return () => {
      this.connection.muted = false;
      for (const { bell } of this.connection.watches) bell.ring();
    };
  }

  /** Ends the open watches of this connection, as a server or a proxy does at will. */
  cutWatches(): void {
    for (const watch of this.connection.watches) {
      watch.cut = true;
      watch.bell.ring();
    }
  }

  /** Shows the watchers of all connections the state `behind` changes ago once more, as a lagging server does. */
  replay(lease: LeaseName, behind = 1): void {
    this.table.announce(keyOf(lease), behind);
  }

  /** The state itself, whatever is scripted. */
  peek(lease: LeaseName): Snapshot {
    return this.table.snapshot(keyOf(lease));
  }

  /** A foreign party changes the record: `term` and `writeId` are void unless `change` names them. Creates an absent lease. */
  edit(lease: LeaseName, change: Partial<LeaseRecord>): Snapshot {
    const current = this.peek(lease).lease?.record ?? BLANK;
    return this.table.put(keyOf(lease), { ...current, term: null, writeId: null, ...change });
  }

  /** A foreign party changes something beside the record, a label say: a new version of the same record. */
  touch(lease: LeaseName): Snapshot {
    return this.edit(lease, this.peek(lease).lease?.record ?? {});
  }

  /** A foreign party deletes the lease. */
  delete(lease: LeaseName): Snapshot {
    return this.table.put(keyOf(lease), null);
  }

  /** From now on `isHolderGone` answers true for this holder, over this connection. */
  declareGone(holder: string): void {
    this.connection.gone.add(holder);
  }
}

/** @see MemoryLeaseStore */
export function memoryLease(options?: MemoryLeaseOptions): MemoryLeaseStore {
  return new MemoryLeaseStore(options);
}

const BLANK: LeaseRecord = {
  holder: null,
  duration: 0,
  acquiredAt: null,
  renewedAt: null,
  transitions: 0,
  term: null,
  writeId: null,
};

const PROCESS_CLOCK: Pick<Clock, 'now' | 'setTimer'> = {
  now: () => performance.now(),
  setTimer(callback, delay) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};

/** Not joined by a sign that names may contain: `a` with `b/c` would share its lease with `a/b` and `c`. */
function keyOf({ name, namespace = 'default' }: LeaseName): string {
  return JSON.stringify([namespace, name]);
}
