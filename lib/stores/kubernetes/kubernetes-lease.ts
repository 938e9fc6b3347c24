import { checkChoice, checkKeys, checkMilliseconds } from '../../election/arguments.js';
import type { LeaseStore } from '../../election/lease-store.js';
import type { Credentials } from './api/connection.js';
import { InPodCredentials } from './credentials/in-pod.js';
import { KubeconfigCredentials } from './credentials/kubeconfig.js';
import { KubernetesLeaseStore } from './lease-store.js';
import type { KubernetesLeaseOptions } from './options.js';

const OPTIONS = Object.keys({
  kubeConfig: true,
  events: true,
  labelLeaderPod: true,
  detectCrash: true,
  crashGrace: true,
  trustServerClock: true,
} satisfies Record<keyof KubernetesLeaseOptions, true>);

const FLAGS = ['events', 'labelLeaderPod', 'detectCrash', 'trustServerClock'] as const;

/** Leases of Kubernetes (`coordination.k8s.io/v1`), shared with client-go and controller-runtime. The default in a cluster. */
export function kubernetesLease(options: KubernetesLeaseOptions = {}): LeaseStore {
  checkKeys('kubernetesLease', options, OPTIONS);
  for (const flag of FLAGS) checkChoice(flag, options[flag], [true, false], `kubernetesLease({ ${flag}: true })`);
  if (options.crashGrace !== undefined)
    checkMilliseconds('crashGrace', options.crashGrace, 'kubernetesLease({ detectCrash: true, crashGrace: 500 })');
  return new KubernetesLeaseStore(options, credentialsFor(options));
}

function credentialsFor({ kubeConfig }: KubernetesLeaseOptions): Credentials {
  const inPod = kubeConfig === undefined && process.env.KUBERNETES_SERVICE_HOST;
  return inPod ? new InPodCredentials() : new KubeconfigCredentials(kubeConfig);
}
