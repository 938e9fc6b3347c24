import { isLeaderElectionError, LeaderElectionConfigError } from '../../election/errors.js';
import type { LeaseHandle, LeaseStore } from '../../election/lease-store.js';
import type { ElectionLog } from '../../election/report/election-log.js';
import { quoted } from '../../election/report/quoted.js';
import { ApiClient } from './api/api-client.js';
import type { Credentials } from './api/connection.js';
import { BackgroundRequests } from './extras/background-requests.js';
import type { KubernetesLeaseOptions } from './options.js';
import { LeaseApi } from './api/lease-api.js';
import { LeaseEvents } from './extras/lease-events.js';
import { KubernetesLeaseHandle } from './lease-handle.js';
import { CrashDetection } from './crash/crash-detection.js';
import { OwnTerms } from './extras/own-terms.js';
import { leaderLabel, ownPod, PodLabel } from './extras/pod-label.js';
import { rightsFor } from './api/rights.js';
import { reportMissingRights } from './extras/rbac-preflight.js';
import { Transport } from './api/transport.js';

/** What a shutdown waits for the last event and the label, after the lease itself is released. */
const LAST_REQUESTS = 1_000;

/** All elections of a process over one set of connections. */
export class KubernetesLeaseStore implements LeaseStore {
  readonly name = 'kubernetes';
  /** client-go and the schema count whole seconds. */
  readonly resolution = 1000;
  private readonly transport = new Transport();
  private readonly client: ApiClient;
  private readonly crashes?: CrashDetection;
  private readonly opened: { terms: OwnTerms; background: BackgroundRequests }[] = [];

  constructor(
    private readonly options: KubernetesLeaseOptions,
    private readonly credentials: Credentials,
  ) {
    this.client = new ApiClient(credentials, this.transport);
    if (options.detectCrash !== true) return;
    const pod = () => credentials.pod?.() ?? Promise.resolve(null);
    this.crashes = new CrashDetection(this.client, pod, options.crashGrace);
  }

  /** Under `hostNetwork` the host name would be that of the node, and the same for all replicas on it. */
  get processName(): string | undefined {
    return this.credentials.podName;
  }

  open({ name, namespace }: { name: string; namespace?: string }, log?: ElectionLog): LeaseHandle {
    const { options, client, credentials } = this;
    checkName('leaseName', name, SUBDOMAIN, 253);
    if (namespace !== undefined) checkName('namespace', namespace, LABEL, 63);
    this.credentials.prepare?.();
    const background = new BackgroundRequests(name, log);
    const label = options.labelLeaderPod
      ? new PodLabel(client, background, labelOf(name), ownPod(client, credentials))
      : undefined;
    const events = options.events === false ? undefined : new LeaseEvents(client, background);
    const terms = new OwnTerms([label, events].filter((witness) => witness !== undefined));
    this.opened.push({ terms, background });
    let api: LeaseApi | undefined;
    const apiOf = async (signal: AbortSignal) => {
      if (api) return api;
      const resolved = namespace ?? (await client.namespace(signal));
      // Two callers may have waited side by side: the first one through begins.
      if (api) return api;
      return (api = new LeaseApi(client, name, resolved));
    };
    let isBegun = false;
    const wasRead = (error?: unknown) => {
      background.leaseFails(error);
      // Whatever keeps the API server from answering would keep it from answering these as well.
      const isAnswered = error === undefined || (isLeaderElectionError(error) && error.code === 'STORE_FORBIDDEN');
      if (isBegun || !isAnswered || !api) return;
      isBegun = true;
      label?.start();
      const { namespace: resolved } = api;
      if (log) {
        background.run('ask which rights this replica has', (within) =>
          reportMissingRights(client, resolved, rightsFor(name, options), log, within),
        );
      }
    };
    return new KubernetesLeaseHandle(apiOf, {
      trustServerClock: options.trustServerClock,
      crashes: this.crashes,
      terms,
      log,
      wasRead,
    });
  }

  async close(): Promise<void> {
    this.crashes?.close();
    for (const { terms } of this.opened) terms.end();
    await Promise.all(this.opened.map(({ background }) => background.close(LAST_REQUESTS)));
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

/** RFC 1123, as the API server wants names of Leases and of namespaces. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The API server would answer 422 to every write, and nobody would ever lead. */
function checkName(what: string, name: string, form: RegExp, longest: number): void {
  if (name.length <= longest && form.test(name)) return;
  const right = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 63);
  throw new LeaderElectionConfigError(
    `${what} is "${quoted(name, 80)}", and Kubernetes takes lower case letters, digits and "-"${form === LABEL ? '' : ' and "."'}, at most ${longest}, between a letter or digit at each end.`,
    `Write ${what}: '${right || 'orders'}'.`,
  );
}
