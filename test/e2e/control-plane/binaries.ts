import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../repository.js';
import { type GoProgram, goBuild } from './go-build.js';

const module = join(repository, 'test/e2e/control-plane');
const KUBERNETES = 'v1.36.3';

export interface Binaries {
  etcd: string;
  apiServer: string;
}

/** The two programs of a control plane: those of `KUBEBUILDER_ASSETS` where it is set, else built from `go.mod` beside this file. */
export async function controlPlaneBinaries(): Promise<Binaries> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) return fromAssets(assets);
  // One after the other: two builds of this size at once want more memory than small machines have.
  const etcd = await goBuild({ module, package: 'go.etcd.io/etcd/server/v3', name: 'etcd' });
  const apiServer = await goBuild(kubernetesProgram('kube-apiserver'));
  return { etcd, apiServer };
}

/** A program of Kubernetes itself, all of the one version that `go.mod` pins. */
export function kubernetesProgram(name: string): GoProgram {
  return {
    module,
    package: `k8s.io/kubernetes/cmd/${name}`,
    name,
    // A build without a version calls itself v0.0.0-master, which clients that compare versions take for ancient.
    set: {
      'k8s.io/component-base/version.gitVersion': KUBERNETES,
      'k8s.io/component-base/version.gitMajor': '1',
      'k8s.io/component-base/version.gitMinor': '36',
    },
  };
}

function fromAssets(assets: string): Binaries {
  const binaries = { etcd: join(assets, 'etcd'), apiServer: join(assets, 'kube-apiserver') };
  for (const file of Object.values(binaries))
    if (!existsSync(file)) throw new Error(`KUBEBUILDER_ASSETS is set to ${assets}, but there is no ${file}.`);

  return binaries;
}
