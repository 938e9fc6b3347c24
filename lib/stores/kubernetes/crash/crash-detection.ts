import { LeaseStoreError } from '../../../election/errors.js';
import { processWide } from '../../../election/process-wide.js';
import { quoted } from '../../../election/report/quoted.js';
import type { ElectionLog } from '../../../election/report/election-log.js';
import type { ApiClient } from '../api/api-client.js';
import type { PodIdentity } from '../api/connection.js';
import { pause } from '../api/pause.js';
import type { Incarnation } from './incarnation.js';
import { PodWatches } from './pod-watches.js';
import { CONTAINER_FILES, leaveLastWords, type LastWords } from './termination-log.js';

/** How long a proven death is left alone, milliseconds: a request that the dead has sent may still be on its way. */
const GRACE = 500;

/** By termination log: a process leaves one nonce there, however many stores it has. */
const left = processWide('last-words', () => new Map<string, LastWords>());

/** What a replica leaves behind for its successor, and what it finds out about the one that holds a Lease. */
export class CrashDetection {
  private readonly pods: PodWatches;
  private readonly told = new Set<string>();
  private self: Promise<Incarnation | null> | null = null;

  constructor(
    client: ApiClient,
    private readonly pod: () => Promise<PodIdentity | null>,
    private readonly grace = GRACE,
    private readonly files = CONTAINER_FILES,
  ) {
    this.pods = new PodWatches(client);
  }

  /** This process, as its Leases name it. `null`: its death cannot be proven here, which is told once. */
  incarnation(log?: ElectionLog): Promise<Incarnation | null> {
    return (this.self ??= this.introduce(log));
  }

  /** Yields once the process is proven dead and the grace is over. Throws where that cannot be found out. */
  async *death(who: Incarnation | null, signal: AbortSignal, log?: ElectionLog): AsyncGenerator<true> {
    if (who === null) throw new LeaseStoreError('STORE_BAD_DATA', 'The Lease does not say which process holds it.');
    try {
      await this.pods.death(who, signal);
    } catch (error) {
      if (!signal.aborted) this.tell(log, `Crashes of other replicas are not noticed: ${(error as Error).message}`);
      throw error;
    }
    await pause(this.grace, signal);
    signal.throwIfAborted();
    log?.log(`The holder of the lease is dead: its Pod "${quoted(who.pod)}" shows the end of that process.`);
    yield true;
  }

  close(): void {
    this.pods.close();
  }

  private async introduce(log?: ElectionLog): Promise<Incarnation | null> {
    try {
      const pod = await this.pod();
      if (pod === null) throw new Error('the token of this process names no Pod');
      const { terminationLog } = this.files;
      const words = left.get(terminationLog) ?? leaveLastWords(this.files);
      left.set(terminationLog, words);
      const { container, uid, proof } = words;
      if (uid !== pod.uid) throw new Error('the termination log is that of another Pod');
      return { namespace: pod.namespace, pod: pod.name, uid, container, proof };
    } catch (error) {
      this.tell(log, `A crash of this replica cannot be noticed early: ${quoted((error as Error).message)}.`);
      return null;
    }
  }

  private tell(log: ElectionLog | undefined, what: string): void {
    if (this.told.has(what)) return;
    this.told.add(what);
    log?.warn(`detectCrash: ${what} Others wait until its lease has ended.`);
  }
}
