import { filter, firstValueFrom, map, of, startWith, Subject, timeout } from 'rxjs';
import { Replica, type ReplicaEvent } from './replica.js';
import type { RunFolder } from './run-folder.js';

export interface FleetEvent {
  readonly replica: Replica;
  readonly event: ReplicaEvent;
}

/** The replicas of one application, by name: A, B, C. */
export class Fleet {
  readonly events = new Subject<FleetEvent>();
  private readonly members = new Map<string, Replica>();

  constructor(private readonly folder: RunFolder) {}

  /** Starts the replica of that name, or a further one. */
  start(name = this.freeName()): Replica {
    const replica = new Replica(name, this.folder);
    this.members.set(name, replica);
    replica.events.subscribe((event) => this.events.next({ replica, event }));
    this.events.next({ replica, event: { kind: 'started', pid: replica.pid, at: replica.startedAt } });
    return replica;
  }

  get replicas(): Replica[] {
    return [...this.members.values()].filter((replica) => replica.running);
  }

  /** The replica of the newest term. A paused leader that was overtaken does not count, though it has not noticed yet. */
  get leader(): Replica | null {
    const leading = this.replicas.filter((replica) => replica.token !== null);
    return leading.reduce<Replica | null>((a, b) => (a === null || b.token! > a.token! ? b : a), null);
  }

  /** The leader of a term with a token above `token`, now or when it is there; `null` if it is not there within `patience` milliseconds. */
  leaderAfter(token: bigint, patience: number): Promise<Replica | null> {
    return firstValueFrom(
      this.events.pipe(
        startWith(null),
        map(() => this.leader),
        filter((leader) => leader !== null && leader.token! > token),
        timeout({ first: patience, with: () => of(null) }),
      ),
    );
  }

  byIdentity(identity: string): Replica | undefined {
    return [...this.members.values()].find((replica) => replica.identity === identity);
  }

  /** Ends all replicas, gently at first; whoever is not gone after `patience` milliseconds is killed. */
  async stop(patience = 10_000): Promise<void> {
    const all = this.replicas;
    for (const replica of all) replica.terminate();
    const impatient = setTimeout(() => all.forEach((replica) => replica.crash()), patience);
    await Promise.all(all.map((replica) => replica.ended()));
    clearTimeout(impatient);
  }

  private freeName(): string {
    for (let i = 0; ; i++) {
      const name = String.fromCharCode(65 + (i % 26)) + (i < 26 ? '' : Math.floor(i / 26));
      if (!this.members.has(name)) return name;
    }
  }
}
