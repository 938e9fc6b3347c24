import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { processWide } from '../process-wide.js';

interface Offspring {
  readonly workers: Set<Worker>;
  readonly children: Set<ChildProcess>;
}

const isAlive = {
  worker: ({ threadId }: Worker) => threadId !== -1,
  // One that could not be spawned never has a pid, and never an end.
  child: ({ pid, exitCode, signalCode }: ChildProcess) => pid !== undefined && exitCode === null && signalCode === null,
};

/** Counted from the load of the package: nothing tells of a worker thread that was started before. */
const offspring = processWide('offspring', (): Offspring => {
  const kept: Offspring = { workers: new Set(), children: new Set() };
  subscribe('worker_threads', (message) => {
    for (const worker of kept.workers) if (!isAlive.worker(worker)) kept.workers.delete(worker);
    kept.workers.add((message as { worker: Worker }).worker);
  });
  subscribe('child_process', (message) => {
    for (const child of kept.children) if (!isAlive.child(child)) kept.children.delete(child);
    kept.children.add((message as { process: ChildProcess }).process);
  });
  return kept;
});

/** What may go on working when this process has had its last word; `null`: nothing that can be told from here. */
export function whatOutlivesExit(): string | null {
  if ([...offspring.workers].some(isAlive.worker))
    return 'A worker thread is alive: it works on while the process ends.';
  if ([...offspring.children].some(isAlive.child) || hasChildren())
    return 'A child process is alive: it may work on when this process has ended.';
  // The thread pool carries out what it was given, queued work too, before the process ends: seconds, for a large file.
  if (process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq')))
    return 'A file is being read or written: the process does not end before that is done.';
  return null;
}

/** As Linux knows them: also those that were started before this file was loaded, or by a worker that has ended. */
function hasChildren(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return readdirSync('/proc/self/task')
      .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' '))
      .some((pid) => pid !== '' && !isZombie(pid));
  } catch {
    // A kernel without this list, or a thread that ended meanwhile: then the channel decides.
    return false;
  }
}

/** Dead, and only waiting for its parent to hear of it: process 1 of a container collects them. */
function isZombie(pid: string): boolean {
  try {
    return /\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}
