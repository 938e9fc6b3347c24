import type { Election } from '../election/index.js';

/** Between its start and its stop, whether it leads or not. */
export function isRunning(election: Election): boolean {
  const { role } = election.status();
  return role !== 'idle' && role !== 'stopped';
}
