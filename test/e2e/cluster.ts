import { dirname, join } from 'node:path';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { controlPlaneBinaries } from './control-plane/binaries.js';
import { ControlPlane } from './control-plane/control-plane.js';
import { nodeBinaries } from './node/binaries.js';
import { sampleImage } from './node/images.js';
import { Node } from './node/node.js';
import { requireNode } from './node/requirements.js';
import { sampleManifests } from './node/sample-manifests.js';

const withNode = process.argv.includes('--node');
/** What is to be undone, in the order in which it was done. */
const undo: (() => unknown)[] = [];
const ending = new AbortController();

async function start(): Promise<string> {
  if (withNode) requireNode();
  await controlPlaneBinaries();
  if (withNode) await nodeBinaries();
  // Only now: until here there is nothing to undo, and Ctrl-C should end a build at once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());

  console.log('starting etcd and kube-apiserver…');
  const controlPlane = await ControlPlane.start(withNode ? { node: Node.user() } : {});
  undo.push(() => controlPlane.stop());
  const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-kubeconfig-'));
  undo.push(() => rmSync(directory, { recursive: true }));
  if (withNode) {
    console.log('starting controllers, scheduler, containerd and kubelet…');
    const node = await Node.start(controlPlane, { signal: ending.signal });
    undo.push(() => node.stop());
    const image = sampleImage();
    console.log(`making the image ${image.name}…`);
    await node.importImage(await image.archive(join(directory, 'sample.tar')));
    rmSync(join(directory, 'sample.tar'));
    const manifests = { apiVersion: 'v1', kind: 'List', items: sampleManifests(controlPlane.access.url, 3) };
    writeFileSync(join(directory, 'sample.json'), JSON.stringify(manifests, null, 2));
  }
  ending.signal.throwIfAborted();
  return greeting(
    controlPlane.access.url,
    controlPlane.kubeconfig(join(directory, 'config'), controlPlane.administrator),
  );
}

function greeting(url: string, kubeconfig: string): string {
  const { hostname, port } = new URL(url);
  const pods = withNode
    ? `There is a node, and Pods really run. The sample is there as an image, orders-worker, and this as its manifests:

  kubectl apply -f ${join(dirname(kubeconfig), 'sample.json')}
  kubectl logs --namespace orders --selector app=orders-worker --prefix --follow

Pods of your own need hostNetwork, as there is no other network; imagePullPolicy Never, as there is no registry;
and, as there are no Services, KUBERNETES_SERVICE_HOST=${hostname} and KUBERNETES_SERVICE_PORT=${port}.`
    : `There is no kubelet here, nor are there controllers: a Deployment stays at 0/3, Pods are only objects.
With \`npm run cluster -- --node\` they run.`;
  return `
A Kubernetes API server is listening on ${url}. In another terminal:

  export KUBECONFIG=${kubeconfig}
  kubectl get --raw /version
  kubectl get leases --watch

The sample (sample/02-kubernetes/README.md) and your own program find it by the same variable:
kubernetesLease() reads KUBECONFIG, then the default file.

${pods}

Ctrl-C stops it and removes its data.`;
}

async function stop(): Promise<void> {
  for (const step of undo.toReversed()) {
    try {
      await step();
    } catch (error) {
      console.error((error as Error).message);
      process.exitCode = 1;
    }
  }
}

try {
  console.log(await start());
  if (!ending.signal.aborted) {
    // Keeps the process alive as well; the handlers of signals alone do not.
    const idle = setInterval(() => {}, 60_000);
    await new Promise((resolve) => ending.signal.addEventListener('abort', resolve));
    clearInterval(idle);
  }
  console.log('stopping');
} catch (error) {
  if (ending.signal.aborted) {
    // Not a failure: what a Ctrl-C has interrupted.
    console.log('stopping');
  } else {
    // Written for people: a missing Go toolchain is not a crash of this program.
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
await stop();
