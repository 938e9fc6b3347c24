import { fileURLToPath } from 'node:url';
import type { Fleet } from '../e2e/fleet/fleet.js';
import type { Replica } from '../e2e/fleet/replica.js';

/** Whose election it is. All have a lease of 15 s and otherwise their own defaults, unless the comparison says so. */
export interface Contender {
  readonly name: string;
  /** Resolves once the replica stands for the lease. `measured`: it says nothing meanwhile, and its bytes and its heap are counted. */
  start(fleet: Fleet, replica: string, measured?: boolean): Promise<Replica>;
}

/** Makes a Node process tell its live heap when it is asked. */
export const TELLS_HEAP = ['--expose-gc', '--import', fileURLToPath(new URL('./steady/heap.js', import.meta.url))];

// Otherwise both say who leads twice a second: a hundred replicas that said it every few milliseconds would be the load.
export const ours: Contender = {
  name: 'nestjs-leader',
  start: (fleet, replica, measured) =>
    measured
      ? fleet.replica(replica, {
          program: 'nest',
          wired: true,
          args: ['--sample-every', '3600000'],
          nodeArgs: TELLS_HEAP,
        })
      : fleet.replica(replica, { program: 'nest', args: ['--sample-every', '500'] }),
};

export const clientGo: Contender = {
  name: 'client-go',
  start: (fleet, replica, measured) =>
    fleet.goReplica(replica, { wired: measured, args: ['-sample-every', measured ? '0' : '500ms'] }),
};

/** No election: the requests alone that a handover to a single standby cannot do without. */
export const bare: Contender = {
  name: 'bare requests',
  start: (fleet, replica) => fleet.replica(replica, { program: 'bare' }),
};
