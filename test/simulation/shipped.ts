import { LeaderElector } from '../../lib/election/elector.js';
import type { NewElection } from './world/replica.js';

/** The elector as it ships. */
export const shipped: NewElection = (setup) => new LeaderElector(setup);
