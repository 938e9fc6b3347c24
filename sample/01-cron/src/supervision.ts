import type { INestApplicationContext } from '@nestjs/common';
import { LeaderElectionService } from 'nestjs-leader';

/*
 * The wire between a replica and the supervisor of `npm start`. Your application has none of this: it lets the supervisor
 * show what happens inside several processes in one log.
 */

/** What a replica tells. `at`: milliseconds on the monotonic clock, which all processes of a machine share. */
export type ReplicaMessage =
  | { kind: 'ready'; identity: string; at: number }
  | { kind: 'leads'; token: string; at: number }
  | { kind: 'no-longer-leads'; at: number }
  | { kind: 'sees-leader'; leader: string; at: number }
  | { kind: 'worked'; job: string; note?: string; token: string; at: number }
  | { kind: 'abandoned'; job: string; note: string; token: string; at: number }
  | { kind: 'answered'; isLeader: boolean; at: number };

export type SupervisorCommand = 'step down' | 'are you the leader?';

/** Monotonic milliseconds, comparable between processes of one machine. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export function tell(message: ReplicaMessage): void {
  if (process.connected) process.send?.(message);
  else if (!process.send) console.log(JSON.stringify(message));
}

export function obeySupervisor(app: INestApplicationContext): void {
  const election = app.get(LeaderElectionService);
  process.on('message', (command: SupervisorCommand) => {
    if (command === 'step down') void election.stepDown();
    else tell({ kind: 'answered', isLeader: election.isLeader(), at: now() });
  });
  process.once('disconnect', () => {
    // The supervisor is gone, even if by SIGKILL. Its end of our output is closed, and a write must not crash the goodbye.
    process.stdout.on('error', () => {}).end();
    process.stderr.on('error', () => {}).end();
    void app.close().finally(() => process.exit());
  });
  tell({ kind: 'ready', identity: election.identity, at: now() });
}
