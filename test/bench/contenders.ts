import type { Fleet } from '../e2e/fleet/fleet.js';
import type { Replica } from '../e2e/fleet/replica.js';

/** Whose election it is. All have the same Lease settings: 15 s, and what each derives from it or recommends with it. */
export interface Contender {
  readonly name: string;
  start(fleet: Fleet, replica: string): Promise<Replica>;
}

// Both say who leads twice a second: a hundred replicas that said it every few milliseconds would be the load.
export const ours: Contender = {
  name: 'nestjs-leader',
  start: (fleet, replica) => fleet.replica(replica, { program: 'nest', args: ['--sample-every', '500'] }),
};

export const clientGo: Contender = {
  name: 'client-go',
  start: (fleet, replica) => fleet.goReplica(replica, { args: ['-sample-every', '500ms'] }),
};
