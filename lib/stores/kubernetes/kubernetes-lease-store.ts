import { LeaderElectionConfigError } from '../../election/errors.js';
import type { LeaseHandle, LeaseStore } from '../../election/lease-store.js';
import type { ElectionLog } from '../../election/log.js';
import { ApiClient } from './api-client.js';
import type { Credentials } from './connection.js';
import { Errands } from './errands.js';
import type { KubernetesLeaseOptions } from './kubernetes-lease.js';
import { LeaseApi } from './lease-api.js';
import { LeaseEvents } from './lease-events.js';
import { KubernetesLeaseHandle } from './lease-handle.js';
import { OwnTerms } from './own-terms.js';
import { leaderLabel, ownPod, PodLabel } from './pod-label.js';
import { rightsFor } from './rights.js';
import { reportMissingRights } from './rbac-preflight.js';
import { Transport } from './transport.js';

/** What a shutdown waits for the last event and the label, after the lease itself is released. */
const LAST_ERRANDS = 1_000;

/** All elections of a process over one set of connections. */
export class KubernetesLeaseStore implements LeaseStore {
  readonly name = 'kubernetes';
  /** client-go and the schema count whole seconds. */
  readonly resolution = 1000;
  private readonly transport = new Transport();
  private readonly client: ApiClient;
  private readonly opened: { terms: OwnTerms; errands: Errands }[] = [];

  constructor(
    private readonly options: KubernetesLeaseOptions,
    private readonly credentials: Credentials,
  ) {
    this.client = new ApiClient(credentials, this.transport);
  }

  open({ name, namespace }: { name: string; namespace?: string }, log?: ElectionLog): LeaseHandle {
    const { options, client } = this;
    this.credentials.prepare?.();
    const errands = new Errands(name, log);
    const label = options.labelLeaderPod ? new PodLabel(client, errands, labelOf(name), ownPod(client)) : undefined;
    const events = options.events === false ? undefined : new LeaseEvents(client, errands);
    const terms = new OwnTerms([label, events].filter((witness) => witness !== undefined));
    this.opened.push({ terms, errands });
    let api: LeaseApi | undefined;
    const apiOf = async (signal: AbortSignal) => {
      if (api) return api;
      const resolved = namespace ?? (await client.namespace(signal));
      // Two callers may have waited side by side: the first one through begins.
      if (api) return api;
      api = new LeaseApi(client, name, resolved);
      label?.start();
      if (log) {
        errands.run('ask which rights this replica has', (within) =>
          reportMissingRights(client, resolved, rightsFor(name, options), log, within),
        );
      }
      return api;
    };
    return new KubernetesLeaseHandle(apiOf, { trustServerClock: options.trustServerClock, terms });
  }

  async close(): Promise<void> {
    for (const { terms } of this.opened) terms.end();
    await Promise.all(this.opened.map(({ errands }) => errands.close(LAST_ERRANDS)));
    this.transport.close();
  }
}

function labelOf(lease: string): string {
  if (lease.length > 63) {
    throw new LeaderElectionConfigError(
      `labelLeaderPod makes the lease name part of a label, which may have 63 characters: "${lease}" has ${lease.length}.`,
      'Shorten the lease name or leave labelLeaderPod out.',
    );
  }
  return leaderLabel(lease);
}
