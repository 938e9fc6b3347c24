import { filter, firstValueFrom, timeout } from 'rxjs';
import type { Fleet, FleetEvent } from '../supervisor/fleet.js';
import type { Replica, ReplicaEvent } from '../supervisor/replica.js';

type Kind = ReplicaEvent['kind'];
type Of<K extends Kind> = Extract<ReplicaEvent, { kind: K }>;

export interface Sought<K extends Kind> {
  replica?: Replica;
  since?: number;
  where?: (event: Of<K>) => boolean;
}

/** Everything that the replicas told, to ask what was, and to wait for what will be. */
export class History {
  readonly all: FleetEvent[] = [];

  constructor(private readonly fleet: Fleet) {
    fleet.events.subscribe((event) => this.all.push(event));
  }

  find<K extends Kind>(kind: K, sought: Sought<K> = {}): Of<K>[] {
    return this.all.filter((event) => fits(event, kind, sought)).map(({ event }) => event as Of<K>);
  }

  /** The first such event, past or to come. Fails after `within` milliseconds. */
  async first<K extends Kind>(kind: K, sought: Sought<K> = {}, within = 30_000): Promise<Of<K>> {
    const past = this.find(kind, sought)[0];
    if (past) return past;
    const coming = this.fleet.events.pipe(
      filter((event) => fits(event, kind, sought)),
      timeout({ first: within }),
    );
    try {
      return (await firstValueFrom(coming)).event as Of<K>;
    } catch (cause) {
      throw new Error(`waited ${within} ms for "${kind}"${sought.replica ? ` of ${sought.replica.name}` : ''}`, {
        cause,
      });
    }
  }
}

function fits<K extends Kind>({ replica, event }: FleetEvent, kind: K, sought: Sought<K>): boolean {
  if (event.kind !== kind) return false;
  if (sought.replica && sought.replica !== replica) return false;
  if (sought.since !== undefined && event.at < sought.since) return false;
  return sought.where?.(event as Of<K>) ?? true;
}
