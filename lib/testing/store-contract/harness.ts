import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { LeaseRecord } from '../../election/lease-record.js';
import type { LeaseHandle, LeaseStore, Snapshot } from '../../election/lease-store.js';

/** Which lease a hook is to act on. */
export interface ContractLease {
  /** As given to `open`. */
  name: string;
  /** As given to `open`. */
  namespace: string;
}

/** What the contract needs to know of a store. Hooks that are absent leave their cases out. */
export interface StoreContractHarness {
  /** A new client of the store under test; all clients see the same leases. Closed by the case that asked for it. */
  connect(): LeaseStore | Promise<LeaseStore>;
  /** A client that cannot reach its store: wrong port, missing directory. */
  unreachable?(): LeaseStore | Promise<LeaseStore>;
  /** Deletes the lease behind the back of all clients. */
  deleteLease?(lease: ContractLease): Promise<void>;
  /** Changes something beside the record, a label say. */
  touchLease?(lease: ContractLease): Promise<void>;
  /** Names another holder in the lease as a tool would that knows nothing of terms. */
  changeHolder?(lease: ContractLease, holder: string | null): Promise<void>;
  /** Kubernetes namespace, or prefix, to work in. Default `default`. */
  namespace?: string;
  /** Milliseconds that any single wait of a case may take. Default 5 000. */
  patience?: number;
}

/** One rule of the contract. `run` resolves where the store keeps it, and rejects with what it did instead. */
export interface StoreContractCase {
  /** The rule, as a sentence. */
  readonly name: string;
  /** Rejects with what the store did instead. */
  run(): Promise<void>;
}

export type Applied = Extract<Awaited<ReturnType<LeaseHandle['replace']>>, { kind: 'applied' }>['snapshot'];

/** A lease of its own, and clients of it, for one case. */
export class Scene {
  readonly lease: ContractLease;
  /** Aborts when the case is over, so that no watch outlives it. */
  readonly signal: AbortSignal;
  private readonly over = new AbortController();
  private readonly stores: LeaseStore[] = [];

  constructor(readonly harness: StoreContractHarness) {
    this.lease = { name: `contract-${randomUUID().slice(0, 13)}`, namespace: harness.namespace ?? 'default' };
    this.signal = this.over.signal;
  }

  async connect(lease: ContractLease = this.lease): Promise<LeaseHandle> {
    return (await this.store()).open(lease);
  }

  async store(made: LeaseStore | Promise<LeaseStore> = this.harness.connect()): Promise<LeaseStore> {
    const store = await made;
    this.stores.push(store);
    return store;
  }

  /** Writes `record` on what the lease is now. */
  async write(handle: LeaseHandle, record: LeaseRecord): Promise<Snapshot & { lease: NonNullable<Snapshot['lease']> }> {
    const outcome = await handle.replace(await handle.read(this.signal), record, this.signal);
    if (outcome.kind !== 'applied')
      throw new assert.AssertionError({ message: `an undisturbed write was answered "${describeOutcome(outcome)}"` });

    assert.ok(outcome.snapshot.lease, 'an applied write shows a lease');
    return { ...outcome.snapshot, lease: outcome.snapshot.lease };
  }

  /** `promise`, or a failure that says `what` did not happen in time. */
  async within<T>(promise: Promise<T>, what: string, patience = this.harness.patience ?? 5_000): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new assert.AssertionError({ message: `${what} within ${patience} ms` })),
        patience,
      );
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  async end(): Promise<void> {
    this.over.abort();
    for (const store of this.stores) await store.close?.();
  }
}

export function contractCase(
  harness: StoreContractHarness,
  name: string,
  play: (scene: Scene) => Promise<void>,
): StoreContractCase {
  return {
    name,
    async run() {
      const scene = new Scene(harness);
      try {
        await play(scene);
      } finally {
        await scene.end();
      }
    },
  };
}

/** A record as an elector writes it: a fresh `writeId` each time, whole microseconds. */
export function recordOf(holder: string | null, more: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    holder,
    duration: 15_000,
    acquiredAt: 1_767_225_600_000,
    renewedAt: 1_767_225_603_000,
    transitions: 3,
    term: randomUUID(),
    writeId: randomUUID(),
    ...more,
  };
}

export function describeOutcome(outcome: Awaited<ReturnType<LeaseHandle['replace']>>): string {
  return 'cause' in outcome ? `${outcome.kind}: ${String(outcome.cause)}` : outcome.kind;
}
