import type { LeaseHandle, LeaseStore } from '../../election/lease-store.js';
import { ApiClient } from './api-client.js';
import type { Credentials } from './connection.js';
import { InPodCredentials } from './credentials-in-pod.js';
import { KubeconfigCredentials, type KubeConfigLike } from './credentials-kubeconfig.js';
import { LeaseApi } from './lease-api.js';
import { KubernetesLeaseHandle } from './lease-handle.js';
import { Transport } from './transport.js';

export interface KubernetesLeaseOptions {
  /**
   * Path of a kubeconfig, or a `KubeConfig` of `@kubernetes/client-node`. Default: in a pod its ServiceAccount; elsewhere
   * `KUBECONFIG`, then `~/.kube/config`.
   */
  kubeConfig?: KubeConfigLike | string;
  /**
   * Lets a replica that has just started count the lease's expiry from its last write, by the API server's clock, instead of
   * from when it first saw it: up to one lease duration sooner after a crash of everything. Default false, for the risk: those
   * are wall clocks. One that is set forward, or that differs between several API servers, makes a living leader look expired,
   * and two replicas lead at once; only fencing tokens hold then.
   */
  trustServerClock?: boolean;
}

/** Leases of Kubernetes (`coordination.k8s.io/v1`), shared with client-go and controller-runtime. The default in a cluster. */
export function kubernetesLease(options: KubernetesLeaseOptions = {}): LeaseStore {
  return new KubernetesLeaseStore(options, credentialsFor(options));
}

export class KubernetesLeaseStore implements LeaseStore {
  readonly name = 'kubernetes';
  /** client-go and the schema count whole seconds. */
  readonly resolution = 1000;
  private readonly transport = new Transport();
  private readonly client: ApiClient;

  constructor(
    private readonly options: KubernetesLeaseOptions,
    credentials: Credentials,
  ) {
    this.client = new ApiClient(credentials, this.transport);
  }

  open(lease: { name: string; namespace?: string }): LeaseHandle {
    let api: LeaseApi | undefined;
    const apiOf = async (signal: AbortSignal) =>
      (api ??= new LeaseApi(this.client, lease.name, lease.namespace ?? (await this.client.namespace(signal))));
    return new KubernetesLeaseHandle(apiOf, { trustServerClock: this.options.trustServerClock });
  }

  async close(): Promise<void> {
    this.transport.close();
  }
}

function credentialsFor({ kubeConfig }: KubernetesLeaseOptions): Credentials {
  const inPod = kubeConfig === undefined && process.env.KUBERNETES_SERVICE_HOST;
  return inPod ? new InPodCredentials() : new KubeconfigCredentials(kubeConfig);
}
