import { Mark } from './timeline.js';
import type { World } from './world.js';

/** The lease as the service keeps it: the shape of a Kubernetes Lease, whole seconds of duration and all. */
export interface StoredObject {
  readonly holder: string;
  readonly durationSeconds: number;
  readonly acquireTime: number | null;
  readonly renewTime: number | null;
  readonly transitions: number;
  /** Written by our replicas beside the record. Void once a foreign writer changed what it names. */
  readonly mark: {
    readonly holder: string;
    readonly renewTime: number | null;
    readonly term: string;
    readonly writeId: string;
  } | null;
  /** Labels and annotations of other people: an edit of them is a new version but no renewal. */
  readonly edits: number;
}

export interface Stored {
  readonly object: StoredObject | null;
  readonly revision: number;
  readonly uid: number;
  /** True time of the write, and of its sending. */
  readonly at: number;
  readonly sentAt: number;
}

export type Reply =
  | { readonly status: 200; readonly stored: Stored }
  | { readonly status: 403 | 404 | 409 | 429 | 500 | 503; readonly stored?: Stored; readonly retryAfter?: number };

/** A process, or a person with `kubectl` (node -1). */
export interface Writer {
  readonly node: number;
  readonly identity: string;
}

export type ChangeListener = (before: Stored, after: Stored, by: Writer) => void;

/** The store itself: one lease, one global revision that other tenants advance too, compare-and-swap. */
export class LeaseService {
  current: Stored = { object: null, revision: 1000, uid: 0, at: 0, sentAt: 0 };
  readonly history: Stored[] = [this.current];
  /** Extra revisions that other objects of the cluster take between two writes. */
  otherWrites = 3;
  readonly watchers = new Set<(stored: Stored) => void>();
  onChange: ChangeListener = () => undefined;
  /** True time of the last write that named each holder. */
  readonly heldAt = new Map<string, number>();
  private uids = 0;

  constructor(readonly world: World) {}

  get(): Reply {
    const stored = this.current;
    return stored.object ? { status: 200, stored } : { status: 404, stored };
  }

  create(object: StoredObject, by: Writer, sentAt = this.world.now): Reply {
    if (this.current.object) return { status: 409 };
    return { status: 200, stored: this.commit(object, ++this.uids, by, sentAt) };
  }

  update(object: StoredObject, revision: number, uid: number, by: Writer): Reply {
    const { current } = this;
    if (!current.object) return { status: 404 };
    if (current.revision !== revision || current.uid !== uid) return { status: 409 };
    // A write that changes nothing gets 200 and no new revision: nobody hears of it (etcd3/store.go does the same).
    if (same(current.object, object)) return { status: 200, stored: current };
    return { status: 200, stored: this.commit(object, uid, by) };
  }

  /** What an administrator does past everybody: no compare-and-swap. */
  overwrite(object: StoredObject | null, by: Writer): void {
    if (object === null && this.current.object === null) return;
    this.commit(object, object === null ? 0 : this.current.object ? this.current.uid : ++this.uids, by);
  }

  private commit(object: StoredObject | null, uid: number, by: Writer, sentAt = this.world.now): Stored {
    const before = this.current;
    const revision = before.revision + 1 + Math.floor(this.world.now % (this.otherWrites + 1));
    this.current = { object, revision, uid, at: this.world.now, sentAt };
    if (object) this.heldAt.set(object.holder, this.world.now);
    this.history.push(this.current);
    if (this.history.length > 64) this.history.shift();
    this.world.mark(Mark.Serve, by.node, revision, this.world.timeline ? `writes ${describe(object)}` : undefined);
    this.onChange(before, this.current, by);
    for (const notify of this.watchers) notify(this.current);
    return this.current;
  }
}

function same(a: StoredObject, b: StoredObject): boolean {
  return (
    a.holder === b.holder &&
    a.durationSeconds === b.durationSeconds &&
    a.acquireTime === b.acquireTime &&
    a.renewTime === b.renewTime &&
    a.transitions === b.transitions &&
    a.edits === b.edits &&
    a.mark?.writeId === b.mark?.writeId &&
    a.mark?.term === b.mark?.term
  );
}

export function describe(object: StoredObject | null): string {
  if (!object) return 'nothing (deleted)';
  const time = object.renewTime === null ? '-' : new Date(object.renewTime).toISOString().slice(11, 23);
  return `holder=${object.holder || '""'} duration=${object.durationSeconds}s renewed=${time} by=${object.mark?.writeId ?? 'foreign'}`;
}
