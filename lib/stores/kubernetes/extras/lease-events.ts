import { quoted } from '../../../election/report/quoted.js';
import type { ApiClient } from '../api/api-client.js';
import { answerError } from '../api/api-status.js';
import type { BackgroundRequests } from './background-requests.js';
import type { LeaseObject } from '../lease-object.js';
import type { OwnTerm, TermWitness } from './own-terms.js';
import { NoAnswer } from '../api/transport.js';

export const EVENTS = { group: '', resource: 'events', verb: 'create' } as const;

/** Events that may follow each other at once; afterwards one a minute. A lease that flaps must not fill etcd. */
const BURST = 10;
const REFILL = 60_000;
/** Milliseconds for the successor's write: an event beside it would have the same cores and the same API server work at both. */
const SUCCESSOR_FIRST = 50;

/** Events as client-go writes them, so that `kubectl describe lease` tells who led when. */
export class LeaseEvents implements TermWitness {
  private allowance = BURST;
  private countedAt: number;

  constructor(
    private readonly client: ApiClient,
    private readonly background: BackgroundRequests,
    private readonly now = () => performance.now(),
  ) {
    this.countedAt = now();
  }

  began({ holder, lease }: OwnTerm): void {
    this.say(lease, `${quoted(holder)} became leader`, 0);
  }

  ended({ holder, lease }: OwnTerm): void {
    this.say(lease, `${quoted(holder)} stopped leading`, SUCCESSOR_FIRST);
  }

  private say(lease: LeaseObject, message: string, pause: number): void {
    if (!this.mayTalk()) return;
    const at = new Date();
    const write = async (signal: AbortSignal) => {
      const { namespace } = lease.metadata;
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
      const body = JSON.stringify(eventOn(lease, message, at));
      const answer = await this.client.call({ method: 'POST', path, body, once: true }, signal).catch(NoAnswer.unwrap);
      if (answer.status >= 300) throw answerError(answer, { ...EVENTS, namespace, once: true });
    };
    this.background.run('write an event on the lease', write, pause);
  }

  private mayTalk(): boolean {
    const now = this.now();
    this.allowance = Math.min(BURST, this.allowance + (now - this.countedAt) / REFILL);
    this.countedAt = now;
    if (this.allowance < 1) return false;
    this.allowance -= 1;
    return true;
  }
}

function eventOn({ apiVersion, kind, metadata }: LeaseObject, message: string, at: Date): object {
  const { name, namespace, uid, resourceVersion } = metadata;
  const stamp = `${at.toISOString().slice(0, 19)}Z`;
  // Nanoseconds, as client-go names them; the clock gives fewer digits, chance the rest.
  const nanoseconds = BigInt(at.getTime()) * 1_000_000n + BigInt(Math.floor(Math.random() * 1e6));
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 230).replace(/[^a-z0-9]+$/, '')}.${nanoseconds.toString(16)}`, namespace },
    involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
    type: 'Normal',
    reason: 'LeaderElection',
    message,
    source: { component: 'nestjs-leader' },
    reportingComponent: 'nestjs-leader',
    reportingInstance: '',
    firstTimestamp: stamp,
    lastTimestamp: stamp,
    count: 1,
  };
}
