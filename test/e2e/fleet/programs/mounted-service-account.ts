import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { kubernetesLease, type LeaseStore } from 'nestjs-leader';

const MOUNTED = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The store as it is in a pod: address from the environment; token, CA and namespace from the mounted files, which are read from
 * another folder here, since a test cannot write where a container has them.
 */
export function mountedServiceAccount(folder: string): LeaseStore {
  const { readFile } = fs.promises;
  // Node reads modules by URL through the same function.
  fs.promises.readFile = ((path: string | URL, ...rest: [BufferEncoding]) =>
    readFile(typeof path === 'string' ? path.replace(MOUNTED, folder) : path, ...rest)) as typeof readFile;
  syncBuiltinESMExports();
  return kubernetesLease();
}
