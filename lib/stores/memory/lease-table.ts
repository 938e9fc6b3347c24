import type { LeaseRecord } from '../../election/lease-record.js';
import type { Snapshot, WriteOutcome } from '../../election/lease-store.js';

/** Enough for any stale read that a test asks for; bounded, because an application under test may run for hours. */
const REMEMBERED = 64;

interface Row {
  created: number;
  /** Newest last; the last one is the state. */
  readonly history: { readonly snapshot: Snapshot; readonly at: number }[];
  readonly listeners: Set<(snapshot: Snapshot) => void>;
}

/** The server side of the memory store: rows under compare-and-swap. Everything is synchronous, so every write is atomic. */
export class LeaseTable {
  private readonly rows = new Map<string, Row>();

  /** With `now`, snapshots tell the age of the lease by that clock. */
  constructor(private readonly now?: () => number) {}

  /** The state `behind` changes ago (0: now), as far back as is remembered. */
  snapshot(key: string, behind = 0): Snapshot {
    const { history } = this.row(key);
    const { snapshot, at } = history[Math.max(0, history.length - 1 - behind)]!;
    if (!this.now || !snapshot.lease) return snapshot;
    return { ...snapshot, lease: { ...snapshot.lease, age: this.now() - at } };
  }

  replace(key: string, seen: Snapshot, record: LeaseRecord): WriteOutcome {
    const { lease } = this.snapshot(key);
    if (lease?.version !== seen.lease?.version || lease?.uid !== seen.lease?.uid) return { kind: 'conflict' };
    const { ledger = lease?.record.ledger, ...rest } = record;
    return { kind: 'applied', snapshot: this.put(key, { ...rest, ...(ledger !== undefined && { ledger }) }) };
  }

  /** Writes without asking: what kubectl, an operator or another library would do. `null` deletes. */
  put(key: string, record: LeaseRecord | null): Snapshot {
    const row = this.row(key);
    const current = this.snapshot(key);
    const token = current.token + 1n;
    if (record && !current.lease) row.created += 1;
    const lease = record && { record: { ...record }, version: String(token), uid: `${key}#${row.created}` };
    row.history.push({ snapshot: { lease, token }, at: this.now?.() ?? 0 });
    if (row.history.length > REMEMBERED) row.history.shift();
    this.announce(key);
    return this.snapshot(key);
  }

  /** Tells watchers the state, or an earlier one. */
  announce(key: string, behind = 0): void {
    const snapshot = this.snapshot(key, behind);
    for (const listener of this.row(key).listeners) listener(snapshot);
  }

  listen(key: string, listener: (snapshot: Snapshot) => void): () => void {
    const { listeners } = this.row(key);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  private row(key: string): Row {
    let row = this.rows.get(key);
    if (!row) {
      row = { created: 0, history: [{ snapshot: { lease: null, token: 0n }, at: 0 }], listeners: new Set() };
      this.rows.set(key, row);
    }
    return row;
  }
}
