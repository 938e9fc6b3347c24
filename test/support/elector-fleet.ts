import {
  LeaderElector,
  memoryLease,
  type ElectionOptions,
  type MemoryLeaseStore,
  type TermHandlers,
} from 'nestjs-leader';
import { MachineClock, VirtualTime, seededChance } from './virtual-time.js';

export const LEASE = { name: 'orders' };

export interface Replica {
  readonly elector: LeaderElector;
  readonly clock: MachineClock;
  /** This replica's own connection to the shared store. */
  readonly store: MemoryLeaseStore;
  readonly log: string[];
  readonly heard: boolean[];
}

/** Replicas that stand for one lease of a memory store, on virtual time. */
export class ElectorFleet {
  readonly time = new VirtualTime();
  readonly store: MemoryLeaseStore;
  readonly replicas: Replica[] = [];

  constructor() {
    this.store = memoryLease({
      clock: { now: () => this.time.now, setTimer: (run, delay) => this.time.setTimer(run, delay) },
    });
  }

  add(options: Partial<ElectionOptions> = {}, handlers?: TermHandlers, write?: (message: string) => void): Replica {
    const clock = new MachineClock(this.time);
    const store = this.store.connect();
    const log: string[] = [];
    const note = write ?? ((message: string) => void log.push(message));
    const seed = this.replicas.length + 1;
    const elector = new LeaderElector({
      options: { leaseName: LEASE.name, identity: `r${seed}`, store, ...options },
      handlers,
      clock,
      chance: seededChance(seed),
      log: { log: note, warn: note, error: note },
    });
    const heard: boolean[] = [];
    elector.leadership$.subscribe((leads) => heard.push(leads));
    const replica = { elector, clock, store, log, heard };
    this.replicas.push(replica);
    return replica;
  }

  /** Adds a replica and starts it. */
  async join(...replicaOf: Parameters<ElectorFleet['add']>): Promise<Replica> {
    const replica = this.add(...replicaOf);
    await replica.elector.start();
    await this.time.advance(20);
    return replica;
  }

  /** The lease as it is stored. */
  get lease() {
    return this.store.peek(LEASE).lease;
  }

  get leaders(): Replica[] {
    return this.replicas.filter(({ elector }) => elector.isLeader());
  }

  async stop(): Promise<void> {
    const stopped = Promise.all(this.replicas.map(({ elector }) => elector.shutdown()));
    await this.time.advance(60_000);
    await stopped;
  }
}
