import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LeaseStore } from 'nestjs-leader';
import { repository } from '../../repository.js';

/**
 * The store as it is in a pod (address from the environment; token, CA and namespace from files), but for the folder of the files:
 * a test cannot write to /var/run/secrets, and users have no reason to change it.
 */
export async function mountedServiceAccount(folder: string): Promise<LeaseStore> {
  const { InPodCredentials } = await load<{ InPodCredentials: new (folder: string) => object }>(
    'credentials-in-pod.js',
  );
  const { KubernetesLeaseStore } = await load<{
    KubernetesLeaseStore: new (options: object, credentials: object) => LeaseStore;
  }>('kubernetes-lease-store.js');
  return new KubernetesLeaseStore({}, new InPodCredentials(folder));
}

function load<T>(file: string): Promise<T> {
  return import(pathToFileURL(join(repository, 'dist/stores/kubernetes', file)).href) as Promise<T>;
}
