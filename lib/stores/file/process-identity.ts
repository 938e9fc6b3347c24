import { readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errnoOf } from './errors.js';

/** A process, told apart from every other that ever has its number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to its start, as /proc tells them. */
  readonly startTime: string;
  /** Boot id, PID namespace and time namespace: only where all are the same do pid, start time and boot clock mean the same. */
  readonly place: string;
}

/** What can be found out about a process number here and now. */
export interface Evidence {
  /** Whether signal 0 reached it; `forbidden` is a process of another user. */
  readonly signal: 'delivered' | 'forbidden' | 'no-such-process';
  /** `null` where /proc does not show it, be it gone or hidden (`hidepid`). */
  readonly stat: ProcessStat | null;
}

export interface ProcessStat {
  readonly state: string;
  readonly threads: number;
  readonly startTime: string;
}

/** This process; `null` where the system does not tell (no /proc, or one of another PID namespace). */
export function ownIdentity(): ProcessIdentity | null {
  try {
    // A container may see the host's /proc: its numbers are not ours then.
    if (readlinkSync('/proc/self') !== String(process.pid)) return null;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const place = [boot, readlinkSync('/proc/self/ns/pid'), timeNamespace()].join(' ');
    const stat = parseStat(readFileSync('/proc/self/stat', 'utf8'));
    return stat && { pid: process.pid, startTime: stat.startTime, place };
  } catch (error) {
    // No /proc, or part of it withheld: nothing can be proved here, and leases run out by time alone.
    if (errnoOf(error)) return null;
    throw error;
  }
}

function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch (error) {
    // Kernels before 5.6 have one time for all.
    if (errnoOf(error) === 'ENOENT') return 'no-time-namespaces';
    throw error;
  }
}

/** Whether `holder` is proved to be dead. Doubt is false: a process in another place, or one that /proc hides, may live. */
export function isDead(holder: ProcessIdentity, self: ProcessIdentity | null, evidence: Evidence): boolean {
  if (self?.place !== holder.place) return false;
  if (evidence.signal === 'no-such-process') return true;
  if (!evidence.stat) return false;
  if (evidence.stat.startTime !== holder.startTime) return true;
  // A zombie whose other threads are still on their way out may have a write in the kernel.
  return ['Z', 'X'].includes(evidence.stat.state) && evidence.stat.threads <= 1;
}

export async function gatherEvidence(pid: number): Promise<Evidence> {
  return { signal: probe(pid), stat: await statOf(pid) };
}

function probe(pid: number): Evidence['signal'] {
  try {
    process.kill(pid, 0);
    return 'delivered';
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return 'no-such-process';
    return 'forbidden';
  }
}

async function statOf(pid: number): Promise<ProcessStat | null> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // Gone, hidden or forbidden: /proc answers the same to all, so it says nothing.
    if (errnoOf(error)) return null;
    throw error;
  }
}

/** Fields of proc_pid_stat(5). The name of the program stands in parentheses and may hold blanks and parentheses itself. */
export function parseStat(text: string): ProcessStat | null {
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const threads = Number(fields[16]);
  const startTime = fields[18];
  return state && startTime && Number.isInteger(threads) ? { state, threads, startTime } : null;
}
