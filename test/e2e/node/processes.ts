import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether it runs; a zombie does not, it only waits for its parent to ask. */
export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  // The name stands in brackets and may contain brackets itself.
  return stat !== undefined && !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
}

/** Processes whose command line mentions `text`, but for this one. */
export function processesNaming(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && read(`/proc/${pid}/cmdline`)?.includes(text) && isAlive(pid));
}

/** The file that a process was started from. */
export function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** Asks each to end, and kills what is left when `grace` ms are over. `find` is asked again, as processes start others. */
export async function endProcesses(find: () => number[], grace: number): Promise<void> {
  if (grace > 0) signal(find(), 'SIGTERM');
  const forced = performance.now() + grace;
  for (const giveUp = forced + 5_000; performance.now() < giveUp; await sleep(50)) {
    const left = find();
    if (left.length === 0) return;
    if (performance.now() >= forced) signal(left, 'SIGKILL');
  }
  throw new Error(`Processes that cannot be killed: ${find().join(', ')}`);
}

function signal(pids: number[], name: 'SIGTERM' | 'SIGKILL'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // Gone since it was looked up.
    }
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
