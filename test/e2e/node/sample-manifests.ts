import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { repository } from '../repository.js';

interface Deployment {
  kind: 'Deployment';
  spec: { replicas: number; template: { spec: PodSpec } };
}

interface PodSpec {
  hostNetwork?: boolean;
  containers: Record<string, unknown>[];
}

interface Manifest {
  kind: string;
}

/** sample/02-kubernetes/deploy, changed where a node without networks and without a registry forces it, and nowhere else. */
export function sampleManifests(apiServer: string, replicas: number): Manifest[] {
  const manifests = ['namespace.yaml', 'rbac.yaml', 'deployment.yaml'].flatMap((file) =>
    parseAllDocuments(readFileSync(join(repository, 'sample/02-kubernetes/deploy', file), 'utf8')).map(
      (document) => document.toJS() as Manifest,
    ),
  );
  return manifests.map((manifest) => (isDeployment(manifest) ? onThisNode(manifest, apiServer, replicas) : manifest));
}

function onThisNode(deployment: Deployment, apiServer: string, replicas: number): Deployment {
  const { hostname, port } = new URL(apiServer);
  const { spec } = deployment.spec.template;
  // Replicas of one machine; the third would tell nothing that the second does not.
  deployment.spec.replicas = replicas;
  // There is no network of Pods: no plugin makes one.
  spec.hostNetwork = true;
  for (const container of spec.containers) {
    // There is no registry to ask; without this, an image without a version is pulled at each start.
    container['imagePullPolicy'] = 'Never';
    // In the network of the machine, two replicas that declare one port could not both be scheduled.
    delete container['ports'];
    container['env'] = [
      // Nor could they both listen on it: each takes a free one.
      { name: 'PORT', value: '0' },
      // The address of the Service, which the kubelet sets, leads nowhere without kube-proxy. This is where the API server listens.
      { name: 'KUBERNETES_SERVICE_HOST', value: hostname },
      { name: 'KUBERNETES_SERVICE_PORT', value: port },
    ];
    // The same question, on a port that the kubelet cannot know. See sampleImage() for the file.
    container['readinessProbe'] = {
      exec: { command: ['node', '/ready.mjs'] },
      periodSeconds: 5,
      // A process is started for it, on a machine that may be busy.
      timeoutSeconds: 10,
    };
  }
  return deployment;
}

function isDeployment(manifest: Manifest): manifest is Deployment {
  return manifest.kind === 'Deployment';
}
