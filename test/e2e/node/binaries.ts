import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kubernetesProgram } from '../control-plane/binaries.js';
import { type GoProgram, goBinary, goBuild } from '../control-plane/go-build.js';
import { repository } from '../repository.js';

const folder = join(repository, 'test/e2e/node');

/** What a node runs beside the control plane. runc is not among them: it needs libseccomp, and the distribution brings it. */
const programs = {
  controllerManager: kubernetesProgram('kube-controller-manager'),
  scheduler: kubernetesProgram('kube-scheduler'),
  kubelet: kubernetesProgram('kubelet'),
  containerd: ofContainerd('containerd'),
  shim: ofContainerd('containerd-shim-runc-v2'),
  ctr: ofContainerd('ctr'),
  probe: { module: join(folder, 'probe'), package: '.', name: 'probe' },
  pause: { module: join(folder, 'pause'), package: '.', name: 'pause' },
} satisfies Record<string, GoProgram>;

export type NodeBinaries = Record<keyof typeof programs, string>;

/** Paths of the programs; those that are not in the cache yet are built. */
export async function nodeBinaries(): Promise<NodeBinaries> {
  const built: Partial<NodeBinaries> = {};
  // One after the other: two builds of this size at once want more memory than small machines have.
  for (const [name, program] of Object.entries(programs)) built[name as keyof NodeBinaries] = await goBuild(program);
  return built as NodeBinaries;
}

/** Whether a start would build something, for which it needs Go. */
export function nodeBinariesAreBuilt(): boolean {
  return Object.values(programs).every((program) => existsSync(goBinary(program)));
}

function ofContainerd(name: string): GoProgram {
  return {
    module: join(folder, 'containerd'),
    package: `github.com/containerd/containerd/v2/cmd/${name}`,
    name,
    // Snapshotters that are not used here, one of which needs the headers of its C library.
    tags: ['no_btrfs', 'no_devmapper', 'no_zfs'],
  };
}
