import { LeaseStoreError } from '../../../lib/election/errors.js';
import type { LeaseRecord } from '../../../lib/election/lease-record.js';
import type { LeaseHandle, LeaseStore, Snapshot, WriteOutcome } from '../../../lib/election/lease-store.js';
import type { Reply, Stored, StoredObject } from './lease-service.js';
import type { Answer, Network } from './network.js';
import type { Process } from './process.js';
import { Mark } from './timeline.js';
import { WatchFeed, type WatchPlan } from './watch-feed.js';

export interface ClientPlan {
  watch: 'ok' | 'absent' | 'refused';
  /** Whether the store tells the age of a lease by a clock that cannot step. */
  age: boolean;
  /** Whether it can prove that a holder is dead, and how. */
  probe: 'none' | 'rare' | 'cheap';
  /** 1000 as on Kubernetes, 1 as elsewhere. */
  resolution: 1 | 1000;
}

export interface ClientHooks {
  /** Whether the process that calls itself so is dead, in truth. */
  isDead(holder: string): boolean;
  /** Something about the lease reached the process: what it may know. */
  learned(process: Process, stored: Stored): void;
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
        throw new LeaseStoreError(
          answer.status === 403 ? 'STORE_FORBIDDEN' : 'STORE_FAILED',
          `read: ${answer.status}`,
          {
            retryAfter: answer.retryAfter,
          },
        );
      },
      replace: async (seen, record, signal) => {
        const object = toObject(record, plan.resolution);
        const { lease } = seen;
        const sentAt = world.now;
        const what = world.timeline
          ? `write holder=${record.holder ?? '""'} id=${record.writeId} on ${lease ? lease.version : 'absent'}`
          : 'write';
        const serve = (): Reply => {
          if (!lease) return service.create(object, this.process, sentAt);
          const edits = service.current.object?.edits ?? 0;
          return service.update({ ...object, edits }, Number(lease.version), Number(lease.uid), this.process);
        };
        const answer = await this.call(what, serve, signal);
        return answer === 'aborted' ? { kind: 'unknown', cause: signal.reason } : this.outcome(answer);
      },
    };
    if (this.plan.watch !== 'absent') {
      handle.watch = (signal) =>
        new WatchFeed(this.process, this.network, this.watchPlan, this.plan.watch === 'refused', signal, (s) =>
          this.see(s),
        );
    }
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

  private outcome(answer: Answer): WriteOutcome {
    if (answer === 'cut') return { kind: 'unknown', cause: WRITE_CUT };
    const { status } = answer;
    if (status === 200) {
      return { kind: 'applied', snapshot: this.see(answer.stored!) };
    }
    if (status === 409 || status === 404) return { kind: 'conflict' };
    const cause = new LeaseStoreError(status === 403 ? 'STORE_FORBIDDEN' : 'STORE_FAILED', `write: ${status}`);
    if (status === 429 || status === 403) return { kind: 'rejected', cause, retryAfter: answer.retryAfter };
    return { kind: 'unknown', cause };
  }

  private call(what: string, serve: () => Reply, signal: AbortSignal): Promise<Answer | 'aborted'> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve('aborted');
      const abort = (): void => {
        this.network.world.mark(Mark.GiveUp, this.process.node, 0, what);
        resolve('aborted');
      };
      signal.addEventListener('abort', abort, { once: true });
      this.network.request(this.process, what, serve, (answer) => {
        signal.removeEventListener('abort', abort);
        resolve(answer);
      });
    });
  }

  private see(stored: Stored): Snapshot {
    this.hooks.learned(this.process, stored);
    // Its own write, met in an answer or in a read: as good as an `applied`.
    if (stored.object?.holder === this.process.identity)
      this.process.confirmed = Math.max(this.process.confirmed, stored.revision);
    const token = BigInt(stored.revision);
    if (!stored.object) return { lease: null, token };
    const lease = { record: toRecord(stored.object), version: String(stored.revision), uid: String(stored.uid) };
    if (!this.plan.age) return { lease, token };
    return { lease: { ...lease, age: Math.max(0, this.network.world.now - stored.at) }, token };
  }
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
  };
}

function toRecord(object: StoredObject): LeaseRecord {
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
  };
}
