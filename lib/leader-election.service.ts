import { Logger } from '@nestjs/common';
import { LeaderElector, type LeaderElectorSetup, type LeadershipTerm } from './election/index.js';
import { processWide } from './election/process-wide.js';
import { FORGOTTEN_WAIT_MESSAGE } from './leader-election.messages.js';

/**
 * One election, as providers see it: the elector, which Nest injects by its class for the default election and by
 * `@InjectLeaderElection('name')` for a named one. The module starts and stops it.
 *
 * Don't await `whenLeader()` in a lifecycle hook: elections begin when all hooks of the boot are done.
 *
 * @publicApi
 */
export interface LeaderElectionService extends LeaderElector {}

/** One class in a process, for it is the token that Nest injects by. */
export const LeaderElectionService: new (setup: LeaderElectorSetup) => LeaderElectionService = processWide(
  'LeaderElectionService',
  () =>
    class LeaderElectionService extends LeaderElector {
      override async whenLeader(signal?: AbortSignal): Promise<LeadershipTerm> {
        return untilExit(this, super.whenLeader(signal));
      }
    },
);

/** The elections whose leadership somebody awaits, once for each who does. */
const awaited: LeaderElectionService[] = [];

/**
 * `leadership`, awaited. Nothing keeps the process of a small application alive before its elections begin: one that awaits leadership until
 * then would end with exit code 0 and without a word.
 */
async function untilExit<T>(election: LeaderElectionService, leadership: Promise<T>): Promise<T> {
  if (awaited.push(election) === 1) process.on('beforeExit', tellWhoWaits);
  try {
    return await leadership;
  } finally {
    awaited.splice(awaited.indexOf(election), 1);
    if (awaited.length === 0) process.off('beforeExit', tellWhoWaits);
  }
}

function tellWhoWaits(): void {
  const election = awaited.find((one) => one.status().role === 'idle');
  if (election === undefined) return;
  process.exitCode ||= 1;
  new Logger('LeaderElection').error(FORGOTTEN_WAIT_MESSAGE(election.name));
}
