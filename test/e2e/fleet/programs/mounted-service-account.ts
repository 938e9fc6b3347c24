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
  fs.promises.readFile = ((path: string, ...rest: [BufferEncoding]) =>
    readFile(path.replace(MOUNTED, folder), ...rest)) as typeof readFile;
  syncBuiltinESMExports();
  return kubernetesLease();
}
