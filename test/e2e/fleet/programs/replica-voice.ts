import type { Election, LeadershipTerm, LossReason, TermHandlers } from 'nestjs-leader';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ReplicaLine, monotonic } from '../replica-lines.js';

/** Prints a line at once: pipes are written synchronously, so not even SIGKILL loses what was said. */
export function say(line: ReplicaLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/**
 * Asks `isLeader()` every few milliseconds and prints the answers: each true one, and the first false one after it.
 * Returns the way to stop.
 */
export function sample(election: Election, every: number): () => void {
  let said = false;
  let code: string | undefined;
  const timer = setInterval(() => {
    const term = election.currentTerm();
    const t = monotonic();
    const leader = election.isLeader();
    const until = monotonic();
    if (leader) say({ kind: 'sample', t, until, leader, token: String(term?.fencingToken) });
    else if (said) say({ kind: 'sample', t, until, leader });
    said = leader;
    const { lastError } = election.status();
    if (lastError && lastError.code !== code)
      say({ kind: 'error', t, code: lastError.code, message: lastError.message });
    code = lastError?.code;
  }, every);
  return () => clearInterval(timer);
}

/**
 * Prints the first admitted work of each term, and every loss.
 * @param outlast milliseconds for which the work of a term goes on after its signal aborts; absent: it ends at once
 */
export function tell(election: () => Election, outlast?: number): TermHandlers {
  return {
    acquired: () =>
      election().runIfLeader(async (term: LeadershipTerm) => {
        say({ kind: 'admitted', t: monotonic(), token: String(term.fencingToken) });
        if (outlast === undefined) return;
        await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
        await sleep(outlast);
        say({ kind: 'drained', t: monotonic(), token: String(term.fencingToken), valid: term.isValid() });
      }),
    lost: (term: LeadershipTerm, reason: LossReason) =>
      say({ kind: 'lost', t: monotonic(), token: String(term.fencingToken), reason }),
  };
}
