import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LEASE } from '../../e2e/fleet/fleet.js';
import { Replica } from '../../e2e/fleet/replica.js';
import { type Contender, TELLS_HEAP } from '../contenders.js';

const PROGRAM = fileURLToPath(new URL('./codedependant-replica.js', import.meta.url));

/** The one peer that can still be had; at its defaults, a lease of 20 s renewed every 10 s. */
export function codedependant(folder: string): Contender {
  return {
    name: '@codedependant',
    start: (fleet, name) =>
      fleet.guest(name, { wired: true }, ({ folder: mounted, token }, server) => {
        const kubeconfig = fleet.cluster.kubeconfig(join(mounted, 'kubeconfig'), { token }, { server });
        const env = { KUBECONFIG: kubeconfig, KUBERNETES_SERVICE_HOST: 'as in a pod' };
        return new Replica(name, process.execPath, [...TELLS_HEAP, PROGRAM, folder, name, LEASE, fleet.namespace], env);
      }),
  };
}
