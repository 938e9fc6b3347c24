import { join } from 'node:path';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { controlPlaneBinaries } from './control-plane/binaries.js';
import { ControlPlane } from './control-plane/control-plane.js';

async function start(): Promise<ControlPlane> {
  await controlPlaneBinaries();
  console.log('starting etcd and kube-apiserver…');
  return ControlPlane.start();
}

const controlPlane = await start().catch((error: Error) => {
  // Written for people: a missing Go toolchain is not a crash of this program.
  console.error(error.message);
  process.exit(1);
});
const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-kubeconfig-'));
const kubeconfig = controlPlane.kubeconfig(join(directory, 'config'), controlPlane.administrator);
console.log(`
A Kubernetes API server is listening on ${controlPlane.access.url}. In another terminal:

  export KUBECONFIG=${kubeconfig}
  kubectl get --raw /version
  kubectl get leases --watch

The sample (sample/02-kubernetes/README.md) and your own program find it by the same variable:
kubernetesLease() reads KUBECONFIG, then the default file. There is no kubelet here, nor are there controllers:
a Deployment stays at 0/3, Pods are only objects.

Ctrl-C stops it and removes its data.`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
console.log('stopping');
await controlPlane.stop();
rmSync(directory, { recursive: true });
