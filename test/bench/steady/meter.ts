import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Fleet } from '../../e2e/fleet/fleet.js';
import type { Replica } from '../../e2e/fleet/replica.js';

/** What a replica has used so far; only the difference of two means anything. */
export interface Reading {
  /** Wall clock, milliseconds: the audit log's. */
  readonly at: number;
  /** Seconds of processor time, all threads. */
  readonly cpu: number;
  /** Both directions, TLS included. */
  readonly bytes: number;
}

/** Reads off from outside what a replica costs. */
export class Meter {
  constructor(
    private readonly fleet: Fleet,
    readonly replica: Replica,
  ) {}

  read(): Reading {
    const tasks = `/proc/${this.replica.pid}/task`;
    // Nanoseconds; /proc/<pid>/stat counts in hundredths of a second, of which a standby may need none for minutes.
    const ran = (task: string) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
    const cpu = readdirSync(tasks).reduce((sum, task) => sum + ran(task) / 1e9, 0);
    return { at: Date.now(), cpu, bytes: this.fleet.wire(this.replica).bytes };
  }

  /** Requests that the API server received from this replica in a stretch of time: each names the token that it came with. */
  requests(from: number, to: number): number {
    const [, payload] = this.fleet.files(this.replica).token.split('.');
    const { jti } = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as { jti: string };
    return this.fleet.cluster.auditLog.requests(from).filter(({ user, requestReceivedTimestamp }) => {
      const credential = user.extra?.['authentication.kubernetes.io/credential-id']?.[0];
      return credential === `JTI=${jti}` && Date.parse(requestReceivedTimestamp) < to;
    }).length;
  }

  /** Connections to the API server that it holds open. */
  get connections(): number {
    return this.fleet.wire(this.replica).connections;
  }
}

/** Resident memory of a process, MiB. */
export function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

/** What is alive of the heap of a process that was started with `TELLS_HEAP`, MiB; `null` if it is not a Node process. */
export async function liveHeap(replica: Replica): Promise<number | null> {
  if (readlinkSync(`/proc/${replica.pid}/exe`) !== readlinkSync('/proc/self/exe')) return null;
  process.kill(replica.pid, 'SIGUSR2');
  const told = /^heap (\d+)$/m;
  await replica.says(told);
  return Number(told.exec(replica.log)![1]) / 2 ** 20;
}
