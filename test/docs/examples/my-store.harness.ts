import { randomUUID } from 'node:crypto';
import type { LeaseRecord, LeaseStore, Snapshot } from 'nestjs-leader';
import type { ContractLease, StoreContractHarness } from 'nestjs-leader/testing';

// #region a store
interface Row {
  record: LeaseRecord;
  version: string;
  uid: string;
}

/** What a linearizable database would do: one counter for all writes, deletions included. */
class Database {
  private readonly rows = new Map<string, Row>();
  private revision = 0n;

  read(key: string): { row?: Row; revision: bigint } {
    return { row: this.rows.get(key), revision: this.revision };
  }

  compareAndSwap(key: string, expected: string | undefined, record: LeaseRecord): boolean {
    const row = this.rows.get(key);
    if (row?.version !== expected) return false;
    this.put(key, { record, uid: row?.uid ?? randomUUID() });
    return true;
  }

  put(key: string, row: Omit<Row, 'version'> | undefined): void {
    this.revision += 1n;
    if (row === undefined) this.rows.delete(key);
    else this.rows.set(key, { ...row, version: `v${this.revision}` });
  }
}

function myLease(database: Database): LeaseStore {
  return {
    name: 'my-store',
    open({ name, namespace = 'default' }) {
      const key = `${namespace}/${name}`;
      const snapshot = (): Snapshot => {
        const { row, revision } = database.read(key);
        return { lease: row ?? null, token: row ? BigInt(row.version.slice(1)) : revision };
      };
      return {
        async read(signal) {
          signal.throwIfAborted();
          return snapshot();
        },
        async replace(seen, record, signal) {
          if (signal.aborted) return { kind: 'rejected', cause: signal.reason };
          const { ledger = seen.lease?.record.ledger, ...rest } = record; // it outlives a writer that knows none
          const kept = ledger === undefined ? rest : { ...rest, ledger };
          const applied = database.compareAndSwap(key, seen.lease?.version, kept);
          return applied ? { kind: 'applied', snapshot: snapshot() } : { kind: 'conflict' };
        },
      };
    },
  };
}
// #endregion

const database = new Database();
const keyOf = ({ namespace, name }: ContractLease) => `${namespace}/${name}`;
const rowOf = (lease: ContractLease) => database.read(keyOf(lease)).row!;

export const harness: StoreContractHarness = {
  connect: () => myLease(database),
  deleteLease: async (lease) => database.put(keyOf(lease), undefined),
  touchLease: async (lease) => database.put(keyOf(lease), rowOf(lease)),
  changeHolder: async (lease, holder) => {
    const { record, uid } = rowOf(lease);
    database.put(keyOf(lease), { record: { ...record, holder, term: null, writeId: null }, uid });
  },
};
