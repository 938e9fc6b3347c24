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
  /** The account of jobs, which outlives holders. */
  readonly ledger?: string;
}

export interface Stored {
  readonly object: StoredObject | null;
  readonly revision: number;
  readonly uid: number;
  /** True time of the write, and of its sending. */
  readonly at: number;
  readonly sentAt: number;
  /** The term that wrote it, in truth: known to the judge also where the mark was lost. */
  readonly term: string | undefined;
  /** How often the store had been restored when this was written. */
  readonly epoch: number;
}

/** Counts states in the order in which they were true: a history that replaces a lost one begins at lower revisions. */
export function ordinal({ epoch, revision }: Stored): number {
  return epoch * 2 ** 40 + revision;
}

/** What becomes of the mark that our replicas write beside the record. */
export type MarkFate = 'kept' | 'stripped' | 'refused';

/** What becomes of a write that changes the ledger. */
export type LedgerFate = 'kept' | 'stripped' | 'refused' | 'failed';

/** The store's own clock at the beginning of a history. */
/** What the wall clocks show when a history begins. */
export const EPOCH = Date.UTC(2026, 0, 1);

export type Reply =
  | { readonly status: 200; readonly stored: Stored }
  | {
      readonly status: 401 | 403 | 404 | 409 | 422 | 429 | 500 | 503;
      readonly stored?: Stored;
      readonly retryAfter?: number;
    };

/** A process, or a person with `kubectl` (node -1). */
export interface Writer {
  readonly node: number;
  readonly identity: string;
}

export type ChangeListener = (before: Stored, after: Stored, by: Writer) => void;

/** Revisions go in steps of this, so that those of a history that was lost do not come again in the one that replaces it. */
const STEP = 8;

/** The store itself: one lease, one global revision that other tenants advance too, compare-and-swap. */
export class LeaseService {
  current: Stored = { object: null, revision: 1000, uid: 0, at: 0, sentAt: 0, term: undefined, epoch: 0 };
  readonly history: Stored[] = [this.current];
  /** Extra revisions that other objects of the cluster take between two writes. */
  otherWrites = 3;
  readonly watchers = new Set<(stored: Stored) => void>();
  onChange: ChangeListener = () => undefined;
  onRestore: (current: Stored) => void = () => undefined;
  /** A write was refused for its ledger, so many times in a row. */
  onLedgerRefused: (by: Writer, times: number) => void = () => undefined;
  private readonly ledgersRefused = new Map<string, number>();
  marks: MarkFate;
  ledgers: LedgerFate = 'kept';
  /** By how much the store's own clock is wrong, milliseconds. */
  clockError = 0;
  /** What watches show instead of the truth: the end of a history that the store has lost, and until when. */
  private lost: Stored | null = null;
  astrayUntil = Number.NEGATIVE_INFINITY;
  /** True time of the last write that named each holder. */
  readonly heldAt = new Map<string, number>();
  private uids = 0;
  private epoch = 0;

  constructor(
    readonly world: World,
    /** While nobody changes the policy. */
    readonly usualMarks: MarkFate = 'kept',
  ) {
    this.marks = usualMarks;
  }

  /** What a watch shows that is opened now. */
  get shown(): Stored {
    return this.lost ?? this.current;
  }

  /** The store's own wall clock. */
  get wall(): number {
    return EPOCH + this.world.now + this.clockError;
  }

  get(): Reply {
    const stored = this.current;
    return stored.object ? { status: 200, stored } : { status: 404, stored };
  }

  /** `term`: of the writer, in truth; it may have left the mark out because it was refused. */
  create(object: StoredObject, by: Writer, sentAt = this.world.now, term = object.mark?.term): Reply {
    if (this.current.object) return { status: 409 };
    const refusal = this.refuses(object, by);
    if (refusal !== null) return { status: refusal };
    return { status: 200, stored: this.commit(this.admitted(object), ++this.uids, by, term, sentAt) };
  }

  update(
    object: StoredObject,
    revision: number,
    uid: number,
    by: Writer,
    sentAt = this.world.now,
    term = object.mark?.term,
  ): Reply {
    const { current } = this;
    if (!current.object) return { status: 404 };
    if (current.revision !== revision || current.uid !== uid) return { status: 409 };
    const refusal = this.refuses(object, by);
    if (refusal !== null) return { status: refusal };
    // A write that changes nothing gets 200 and no new revision: nobody hears of it (etcd3/store.go does the same).
    const admitted = this.admitted(object);
    if (same(current.object, admitted)) return { status: 200, stored: current };
    return { status: 200, stored: this.commit(admitted, uid, by, term, sentAt) };
  }

  /** What an administrator does past everybody: no compare-and-swap. */
  overwrite(object: StoredObject | null, by: Writer): void {
    if (object === null && this.current.object === null) return;
    const uid = object === null ? 0 : this.current.object ? this.current.uid : ++this.uids;
    this.commit(object, uid, by, object === null ? undefined : this.current.term);
  }

  /**
   * The store comes back from a backup that lacks the last `writes`. A cache behind which it stood goes on showing what was lost, and
   * hears of nothing new, for `cacheLasts`; without one, watches show the restored state at once.
   */
  restore(writes: number, cacheLasts: number): void {
    const { history, world, current: lost } = this;
    const at = Math.max(0, history.length - 1 - writes);
    history.length = at + 1;
    const target = history[at]!;
    if (target !== lost) {
      this.epoch++;
      this.current = history[at] = { ...target, epoch: this.epoch };
    }
    world.count(target === lost ? 'restored, nothing lost' : 'restored, writes lost');
    world.mark(Mark.Admin, -1, this.current.revision, `restored to ${describe(this.current.object)}`);
    if (target !== lost) this.onRestore(this.current);
    if (cacheLasts > 0) {
      this.lost ??= lost;
      this.astrayUntil = Math.max(this.astrayUntil, world.now + cacheLasts);
      world.at(this.astrayUntil, () => this.catchUp());
    } else {
      this.tell();
    }
  }

  private catchUp(): void {
    if (this.lost === null || this.world.now < this.astrayUntil) return;
    this.lost = null;
    this.tell();
  }

  private tell(): void {
    if (this.lost === null) for (const notify of this.watchers) notify(this.current);
  }

  /** A policy that lets no annotation through: refused, or stripped without a word. */
  private refuses(object: StoredObject, by: Writer): 422 | 500 | null {
    if (this.marks === 'refused' && object.mark !== null) {
      this.world.count('mark refused');
      return 422;
    }
    if (this.ledgers !== 'refused' && this.ledgers !== 'failed') return null;
    if (object.ledger === this.current.object?.ledger) return null;
    this.world.count(this.ledgers === 'refused' ? 'ledger refused' : 'ledger write failed');
    const times = (this.ledgersRefused.get(by.identity) ?? 0) + 1;
    this.ledgersRefused.set(by.identity, times);
    this.onLedgerRefused(by, times);
    return this.ledgers === 'refused' ? 422 : 500;
  }

  private admitted(sent: StoredObject): StoredObject {
    let object = sent;
    if (this.ledgers === 'stripped' && object.ledger !== this.current.object?.ledger) {
      this.world.count('ledger stripped');
      object = { ...object, ledger: this.current.object?.ledger };
    }
    if (this.marks === 'kept' || object.mark === null) return object;
    this.world.count('mark stripped');
    return { ...object, mark: null };
  }

  private commit(
    object: StoredObject | null,
    uid: number,
    by: Writer,
    term: string | undefined,
    sentAt = this.world.now,
  ): Stored {
    const { current: before, world, epoch } = this;
    const others = Math.floor(world.now % (this.otherWrites + 1));
    const revision = (Math.floor(before.revision / STEP) + 1 + others) * STEP + (epoch % STEP);
    this.current = { object, revision, uid, at: world.now, sentAt, term, epoch };
    this.ledgersRefused.delete(by.identity);
    if (object) this.heldAt.set(object.holder, this.world.now);
    this.history.push(this.current);
    if (this.history.length > 64) this.history.shift();
    this.world.mark(Mark.Serve, by.node, revision, this.world.timeline ? `writes ${describe(object)}` : undefined);
    this.onChange(before, this.current, by);
    this.tell();
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
    a.ledger === b.ledger &&
    a.mark?.writeId === b.mark?.writeId &&
    a.mark?.term === b.mark?.term
  );
}

export function describe(object: StoredObject | null): string {
  if (!object) return 'nothing (deleted)';
  const time = object.renewTime === null ? '-' : new Date(object.renewTime).toISOString().slice(11, 23);
  return `holder=${object.holder || '""'} duration=${object.durationSeconds}s renewed=${time} by=${object.mark?.writeId ?? 'foreign'}`;
}
