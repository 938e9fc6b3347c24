import { LeaseStoreError } from '../../../lib/election/errors.js';
import type { LeaseRecord } from '../../../lib/election/lease-record.js';
import type {
  LeaseHandle,
  LeaseStore,
  Snapshot,
  StoredLease,
  WriteOutcome,
} from '../../../lib/election/lease-store.js';
import { provesDeath as shippedProof } from '../../../lib/stores/kubernetes/crash/proof-of-death.js';
import { Kubelet } from './kubelet.js';
import { ordinal, type MarkFate, type Reply, type Stored, type StoredObject } from './lease-service.js';
import type { Answer, Network } from './network.js';
import type { Process } from './process.js';
import { Mark } from './timeline.js';
import { WatchFeed, type WatchPlan } from './watch-feed.js';

export interface ClientPlan {
  /** `brief`: each shows one state and ends, forever. */
  watch: 'ok' | 'absent' | 'refused' | 'brief';
  /** Whether the store vouches for what its watch shows; else others can speak on its channel. */
  vouched: boolean;
  /** What becomes of the marks beside the record, forever. */
  marks: MarkFate;
  /** Whether the store tells the age of a lease by a clock that cannot step. */
  age: boolean;
  /** Whether it can prove that a holder is dead, and how. */
  probe: 'none' | 'rare' | 'cheap';
  /** Whether the death of a holder's process is proven, after so many milliseconds at most. */
  crashProof?: number;
  /** Whether a process that ends by itself can still send. */
  lastWords?: boolean;
  /** 1000 as on Kubernetes, 1 as elsewhere. */
  resolution: 1 | 1000;
  /** Whether answers show the store's own clock. */
  storeTime?: boolean;
}

/** What a Pod's status is judged by: as it ships, or with a known bug. */
export type ProvesDeath = typeof shippedProof;

export interface ClientHooks {
  /** Whether the process that calls itself so is dead, in truth. */
  isDead(holder: string): boolean;
  /** Something about the lease reached the process: what it may know. */
  learned(process: Process, stored: Stored, by: 'answer' | 'watch'): void;
  /** The process is about to write, or has been answered with this. */
  writes(process: Process, outcome: WriteOutcome['kind'] | null): void;
}

/** Nothing in them differs from one to the next. */
const READ_CUT = new LeaseStoreError('STORE_FAILED', 'read: connection cut');
const WRITE_CUT = new LeaseStoreError('STORE_FAILED', 'write: connection cut');

/** The LeaseStore that a simulated replica is given: the shape and the manners of the real ones, on the simulated network. */
export class LeaseClient implements LeaseStore {
  readonly name = 'simulated';
  readonly resolution?: number;

  constructor(
    private readonly process: Process,
    private readonly network: Network,
    private readonly plan: ClientPlan,
    private readonly watchPlan: WatchPlan,
    private readonly hooks: ClientHooks,
    private readonly provesDeath: ProvesDeath = shippedProof,
  ) {
    if (plan.resolution !== 1) this.resolution = plan.resolution;
  }

  open(): LeaseHandle {
    const { plan } = this;
    const { service, world } = this.network;
    const handle: LeaseHandle = {
      read: async (signal) => {
        const answer = await this.call('read', () => service.get(), signal);
        if (answer === 'aborted') throw signal.reason;
        if (answer === 'cut') throw READ_CUT;
        if (answer.status === 200 || answer.status === 404) return this.see(answer.stored!);
        throw new LeaseStoreError(codeOf(answer), `read: ${answer.status}`, { retryAfter: answer.retryAfter });
      },
      replace: async (seen, record, signal) => {
        const object = toObject(record, plan.resolution);
        const { lease } = seen;
        const sentAt = world.now;
        const what = world.timeline
          ? `write holder=${record.holder ?? '""'} id=${record.writeId} on ${lease ? lease.version : 'absent'}`
          : 'write';
        const serve = (sent: StoredObject) => (): Reply =>
          lease
            ? this.update(lease, sent, sentAt, object.mark?.term)
            : service.create(sent, this.process, sentAt, object.mark?.term);
        this.network.attempts[this.process.node] = object;
        this.hooks.writes(this.process, null);
        let answer = await this.call(what, serve(object), signal);
        // Where what stands beside the record is refused, a store tries without it.
        if (typeof answer === 'object' && answer.status === 422 && object.mark !== null)
          answer = await this.call(what, serve({ ...object, mark: null }), signal);
        const outcome: WriteOutcome =
          answer === 'aborted' ? { kind: 'unknown', cause: signal.reason } : this.outcome(answer);
        this.hooks.writes(this.process, outcome.kind);
        return outcome;
      },
    };
    if (plan.lastWords) {
      handle.replaceAtExit = ({ lease }, record) => {
        const object = toObject(record, plan.resolution);
        this.network.attempts[this.process.node] = object;
        const sentAt = world.now;
        world.count('released at exit');
        // Nobody is left to hear the answer.
        this.network.request(
          this.process,
          'write',
          () => this.update(lease!, object, sentAt, object.mark?.term),
          () => undefined,
        );
        return { isAnswered: () => true, close: () => undefined };
      };
    }
    const { watch } = plan;
    if (watch !== 'absent') {
      Object.assign(handle, { isWatchVouched: plan.vouched });
      handle.watch = (signal) =>
        new WatchFeed(this.process, this.network, this.watchPlan, watch, signal, (s) => this.hear(s));
    }
    const { crashProof } = this.plan;
    if (crashProof !== undefined) handle.watchHolder = (seen, signal) => this.death(seen, signal, crashProof);
    if (this.plan.probe === 'none') return handle;
    handle.isHolderGone = async (seen, signal) => {
      const holder = seen.lease?.record.holder;
      if (!holder) return false;
      if (this.plan.probe === 'rare') {
        const answer = await this.call('probe', () => ({ status: 200, stored: service.current }), signal);
        if (answer === 'aborted' || answer === 'cut' || answer.status !== 200) return false;
      }
      const dead = this.hooks.isDead(holder);
      if (dead) world.count('holder proven dead');
      return dead;
    };
    return this.plan.probe === 'cheap' ? Object.assign(handle, { holderProbeInterval: 200 }) : handle;
  }

  /** Writes over what is there, and keeps what the service has beside it. */
  private update(seen: StoredLease, sent: StoredObject, sentAt: number, term?: string): Reply {
    const { service } = this.network;
    const { edits = 0, ledger } = service.current.object ?? {};
    const kept = { ...sent, edits, ledger: sent.ledger ?? ledger };
    return service.update(kept, Number(seen.version), Number(seen.uid), this.process, sentAt, term);
  }

  /** Proof comes late, or never: the node of the dead may be gone as well. */
  private async *death(seen: Snapshot, signal: AbortSignal, latest: number): AsyncGenerator<true> {
    const { process, hooks } = this;
    const { world } = this.network;
    const luck = world.random.stream(`proof ${seen.token} ${process.identity}`);
    const isNever = luck.chance(0.2);
    const late = luck.skewed(0, latest);
    const lies = world.random.stream(`lies ${seen.token} ${process.identity}`);
    const kubelet = new Kubelet(seen.lease!.record.holder!, lies);
    let diedAt: number | null = null;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (signal.aborted) return reject(signal.reason);
        if (hooks.isDead(seen.lease!.record.holder!)) diedAt ??= process.now();
        const isShown = diedAt !== null && !isNever && process.now() >= diedAt + late;
        const isLie = !isShown && lies.chance(0.05);
        if (isLie) world.count('status that proves nothing');
        const shown = isShown ? kubelet.end() : isLie ? kubelet.lie() : null;
        if (shown === null || !this.provesDeath(shown, kubelet.who)) return void process.setTimer(look, 200);
        world.count('crash proven');
        resolve();
      };
      look();
    });
    yield true;
  }

  private outcome(answer: Answer): WriteOutcome {
    if (answer === 'cut') return { kind: 'unknown', cause: WRITE_CUT };
    const { status } = answer;
    if (status === 200) return { kind: 'applied', snapshot: this.see(answer.stored!) };

    if (status === 409 || status === 404) return { kind: 'conflict' };
    const cause = new LeaseStoreError(codeOf(answer), `write: ${status}`);
    if (status === 429 || status === 403 || status === 401 || status === 422)
      return { kind: 'rejected', cause, retryAfter: answer.retryAfter };
    return { kind: 'unknown', cause };
  }

  private call(what: string, serve: () => Reply, signal: AbortSignal): Promise<Answer | 'aborted'> {
    return new Promise((resolve) => {
      // Killed in the middle of a task, it sends nothing more.
      if (!this.process.alive) return;
      if (signal.aborted) return resolve('aborted');
      const abort = (): void => {
        this.network.world.mark(Mark.GiveUp, this.process.node, 0, what);
        resolve('aborted');
      };
      signal.addEventListener('abort', abort, { once: true });
      this.network.request(this.process, what, serve, (answer) => {
        signal.removeEventListener('abort', abort);
        if (what === 'read' && !signal.aborted && answer !== 'cut') this.heard(answer);
        // A server that errs is left: another connection may lead to a better one.
        if (answer !== 'cut' && answer.status >= 500) this.network.reconnect(this.process.node);
        resolve(answer);
      });
    });
  }

  /** A service that answers asks nobody to wait any more. */
  private heard(answer: Exclude<Answer, 'cut'>): void {
    if (answer.status === 429) this.network.toldToLeaveAlone(this.process, 'read', answer.retryAfter ?? 0);
    else if (answer.status < 500) this.process.leftAloneUntil.read = Number.NEGATIVE_INFINITY;
  }

  /** What a watch shows that nobody vouches for is not known yet. */
  private hear(stored: Stored): Snapshot {
    return this.plan.vouched ? this.see(stored, 'watch') : this.toSnapshot(stored, 'watch');
  }

  private see(stored: Stored, by: 'answer' | 'watch' = 'answer'): Snapshot {
    this.hooks.learned(this.process, stored, by);
    // Its own write, met in an answer or in a read: as good as an `applied`.
    if (stored.object?.holder === this.process.identity)
      this.process.confirmed[by] = Math.max(this.process.confirmed[by], ordinal(stored));
    return this.toSnapshot(stored, by);
  }

  private toSnapshot(stored: Stored, by: 'answer' | 'watch'): Snapshot {
    // As a `Date` header: whole seconds, and none of its own on an event.
    const storeTime =
      this.plan.storeTime && by === 'answer' ? Math.floor(this.network.service.wall / 1000) * 1000 : undefined;
    const snapshot = storeTime === undefined ? toSnapshot(stored) : { ...toSnapshot(stored), storeTime };
    if (!this.plan.age || snapshot.lease === null) return snapshot;
    return { ...snapshot, lease: { ...snapshot.lease, age: Math.max(0, this.network.world.now - stored.at) } };
  }
}

/** What a store says of a state, whoever asks. */
export function toSnapshot({ object, revision, uid }: Stored): Snapshot {
  const token = BigInt(revision);
  if (!object) return { lease: null, token };
  return { lease: { record: toRecord(object), version: String(revision), uid: String(uid) }, token };
}

function codeOf({ status }: Reply): 'STORE_FAILED' | 'STORE_FORBIDDEN' | 'STORE_UNAUTHENTICATED' {
  return status === 403 ? 'STORE_FORBIDDEN' : status === 401 ? 'STORE_UNAUTHENTICATED' : 'STORE_FAILED';
}

function toObject(record: LeaseRecord, resolution: number): StoredObject {
  const holder = record.holder ?? '';
  return {
    holder,
    durationSeconds: (Math.trunc(record.duration / resolution) * resolution) / 1000,
    acquireTime: record.acquiredAt,
    renewTime: record.renewedAt,
    transitions: record.transitions,
    mark:
      record.term === null
        ? null
        : { holder, renewTime: record.renewedAt, term: record.term, writeId: record.writeId ?? '' },
    edits: 0,
    ...(record.ledger !== undefined && { ledger: record.ledger }),
  };
}

export function toRecord(object: StoredObject): LeaseRecord {
  const { mark } = object;
  const ours = mark !== null && mark.holder === object.holder && mark.renewTime === object.renewTime;
  return {
    holder: object.holder === '' ? null : object.holder,
    duration: object.durationSeconds * 1000,
    acquiredAt: object.acquireTime,
    renewedAt: object.renewTime,
    transitions: object.transitions,
    term: ours ? mark.term : null,
    writeId: ours ? mark.writeId : null,
    ...(object.ledger !== undefined && { ledger: object.ledger }),
  };
}
