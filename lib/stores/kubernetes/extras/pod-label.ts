import { pauseAskedFor } from '../../../election/lease/answers.js';
import { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import type { Credentials } from '../api/connection.js';
import type { ApiClient } from '../api/api-client.js';
import { answerError } from '../api/api-status.js';
import { parseJson } from '../api/status.js';
import type { BackgroundRequests } from './background-requests.js';
import type { TermWitness } from './own-terms.js';
import { NoAnswer } from '../api/transport.js';

const VALUE = 'leader';
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

export interface Pod {
  readonly name: string;
  readonly namespace: string;
}

/** The label that the leader's Pod carries: `nestjs-leader/<lease>: leader`. */
export function leaderLabel(lease: string): string {
  return `nestjs-leader/${lease}`;
}

/**
 * The Pod that this process runs in: `POD_NAME` where the downward API gives it, else the one that its token was given to, else the host
 * name, which Kubernetes sets to it unless the Pod is in the host's network.
 */
export function ownPod(
  client: ApiClient,
  credentials: Pick<Credentials, 'pod'>,
): (signal: AbortSignal) => Promise<Pod> {
  return async (signal) => {
    const { POD_NAME, POD_NAMESPACE, KUBERNETES_SERVICE_HOST, HOSTNAME } = process.env;
    const ofToken = POD_NAME === undefined ? await credentials.pod?.() : null;
    if (ofToken) return ofToken;
    const name = POD_NAME ?? (KUBERNETES_SERVICE_HOST ? HOSTNAME : undefined);
    if (!name) {
      throw new LeaseStoreError('STORE_NOT_FOUND', 'This process runs in no pod.', {
        advice: 'Leave labelLeaderPod out here.',
      });
    }
    return { name, namespace: POD_NAMESPACE ?? (await client.namespace(signal)) };
  };
}

/** Keeps the label on our Pod while we lead, and takes it off others that died or were cut off with it. */
export class PodLabel implements TermWitness {
  private wanted = false;
  /** `undefined`: unknown, as after a patch without answer. */
  private labelled?: boolean;
  private busy = false;

  constructor(
    private readonly client: ApiClient,
    private readonly background: BackgroundRequests,
    private readonly label: string,
    private readonly self: (signal: AbortSignal) => Promise<Pod>,
  ) {}

  /** Before the first term: a container that crashed as the leader comes back in the same Pod, under the label of its past. */
  start(): void {
    this.want(this.wanted);
  }

  began(): void {
    this.want(true);
  }

  ended(): void {
    this.want(false);
  }

  /** One change at a time, always towards what is wanted now: an old answer must not undo a newer term. */
  private want(wanted: boolean): void {
    this.wanted = wanted;
    if (!this.busy) this.settle(FIRST_PAUSE);
  }

  private settle(pause: number): void {
    if (this.labelled === this.wanted) return;
    this.busy = true;
    const { wanted } = this;
    this.background.run(
      `${wanted ? 'put' : 'take'} the leader label ${wanted ? 'on' : 'off'} the pod`,
      async (signal) => {
        try {
          const pod = await this.self(signal);
          await this.patch(pod, wanted, signal);
          this.labelled = wanted;
          this.busy = false;
          if (wanted) this.strip(pod);
          this.settle(FIRST_PAUSE);
        } catch (error) {
          this.labelled = undefined;
          // Unref'd: a label must not keep a process alive that has nothing else to do.
          setTimeout(
            () => {
              this.busy = false;
              this.settle(Math.min(pause * 2, LONGEST_PAUSE));
            },
            Math.max(pause, pauseAskedFor(error, LONGEST_PAUSE)),
          ).unref();
          throw error;
        }
      },
    );
  }

  private strip(self: Pod): void {
    this.background.run('take the leader label off other pods', async (signal) => {
      const selector = encodeURIComponent(`${this.label}=${VALUE}`);
      const path = `/api/v1/namespaces/${encodeURIComponent(self.namespace)}/pods?labelSelector=${selector}`;
      const answer = await this.client.call({ method: 'GET', path }, signal).catch(NoAnswer.unwrap);
      if (answer.status !== 200) throw this.refused(answer, self, 'list');
      const { items = [] } = parseJson(answer.body) as {
        items?: { metadata: { name: string; resourceVersion?: string } }[];
      };
      for (const { metadata } of items) {
        // Whoever leads by now has labelled itself; its version, gone on since the list, keeps it from us.
        if (metadata.name === self.name || !this.wanted) continue;
        await this.patch({ ...self, name: metadata.name }, false, signal, metadata.resourceVersion);
      }
    });
  }

  private async patch(pod: Pod, on: boolean, signal: AbortSignal, resourceVersion?: string): Promise<void> {
    const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}`;
    const body = JSON.stringify({ metadata: { resourceVersion, labels: { [this.label]: on ? VALUE : null } } });
    const contentType = 'application/merge-patch+json';
    const answer = await this.client.call({ method: 'PATCH', path, body, contentType }, signal).catch(NoAnswer.unwrap);
    // Gone with its label, or not ours to change any more.
    if (!on && (answer.status === 404 || answer.status === 409)) return;
    if (answer.status === 404) throw unknownPod(pod);
    if (answer.status !== 200) throw this.refused(answer, pod, 'patch');
  }

  private refused(answer: Parameters<typeof answerError>[0], { namespace }: Pod, verb: string): LeaseStoreError {
    return answerError(answer, { group: '', resource: 'pods', verb, namespace });
  }
}

function unknownPod({ name, namespace }: Pod): LeaseStoreError {
  return new LeaseStoreError(
    'STORE_NOT_FOUND',
    `There is no pod "${quoted(name)}" in namespace "${quoted(namespace)}".`,
    {
      advice:
        'Where the host name is not that of the pod, set POD_NAME from the downward API (fieldRef: metadata.name).',
    },
  );
}
