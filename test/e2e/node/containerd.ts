import { execFile } from 'node:child_process';
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerProcess } from '../control-plane/server-process.js';
import type { NodeBinaries } from './binaries.js';
import type { NodeFolders } from './node-folders.js';
import { endProcesses, processesNaming, programOf } from './processes.js';
import { searchPath } from './requirements.js';

/** The name under which the kubelet's container runtime keeps what is Kubernetes'; ctr sees another one by default. */
const NAMESPACE = 'k8s.io';

/** containerd with everything of its own below the folders of the node: it shares nothing with one that the machine may run. */
export class Containerd {
  /** The image of the process that holds a Pod together. */
  static readonly pauseImage = 'localhost/pause:1';
  private readonly server: ServerProcess;

  constructor(
    private readonly folders: NodeFolders,
    private readonly binaries: NodeBinaries,
  ) {
    const config = join(folders.data, 'containerd.toml');
    writeFileSync(config, this.config);
    this.server = new ServerProcess(
      'containerd',
      binaries.containerd,
      ['--config', config],
      join(folders.data, 'containerd.log'),
      () =>
        this.ctr('version')
          .then(() => true)
          .catch(() => false),
      { ...process.env, PATH: `${this.programs()}:${searchPath}` },
    );
  }

  get socket(): string {
    return join(this.folders.sockets, 'containerd.sock');
  }

  async start(): Promise<void> {
    this.withoutNetwork();
    await this.server.start();
  }

  /** @param archive as `docker save` writes it */
  async importImage(archive: string): Promise<void> {
    await this.ctr('images', 'import', archive);
  }

  async tagImage(name: string, other: string): Promise<void> {
    await this.ctr('images', 'tag', '--force', fullName(name), fullName(other));
  }

  /** Also ends the shims, which outlive containerd on purpose: containers should not end with it. */
  async stop(): Promise<void> {
    await this.server.stop();
    await endProcesses(() => this.shims(), 0);
  }

  /** The address of this containerd stands on the command line of each, as on that of a `ctr` that somebody uses. */
  private shims(): number[] {
    const binary = realpathSync(this.binaries.shim);
    return processesNaming(this.socket).filter((pid) => programOf(pid) === binary);
  }

  private async ctr(...args: string[]): Promise<void> {
    await promisify(execFile)(this.binaries.ctr, ['--address', this.socket, '--namespace', NAMESPACE, ...args]);
  }

  /** containerd looks its shim up by this name, on the PATH. */
  private programs(): string {
    const folder = join(this.folders.data, 'bin');
    mkdirSync(folder);
    symlinkSync(this.binaries.shim, join(folder, 'containerd-shim-runc-v2'));
    return folder;
  }

  /** Not run by any Pod, as all are in the network of the machine; but without a network plugin the node is not ready. */
  private withoutNetwork(): void {
    mkdirSync(join(this.folders.data, 'cni'));
    const network = { cniVersion: '0.4.0', name: 'none', plugins: [{ type: 'loopback' }] };
    writeFileSync(join(this.folders.data, 'cni', '10-none.conflist'), JSON.stringify(network));
  }

  private get config(): string {
    const { data, sockets } = this.folders;
    const text = (value: string) => JSON.stringify(value);
    return `
version = 3
root = ${text(join(data, 'containerd'))}
state = ${text(join(sockets, 'state'))}

[grpc]
  address = ${text(this.socket)}

[plugins.'io.containerd.shim.v1.manager']
  socket_dir = ${text(join(sockets, 's'))}

# Two that would make folders of the machine.
[plugins.'io.containerd.internal.v1.opt']
  path = ${text(join(data, 'opt'))}
[plugins.'io.containerd.nri.v1.nri']
  disable = true

[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = ${text(Containerd.pauseImage)}

[plugins.'io.containerd.cri.v1.runtime']
  # Lowering the score by which the kernel picks what to kill needs CAP_SYS_RESOURCE, which root in a sandbox may lack.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    conf_dir = ${text(join(data, 'cni'))}
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      Root = ${text(join(sockets, 'runc'))}
      SystemdCgroup = false
`;
  }
}

/** As an import completes names, which a tag does not. */
function fullName(image: string): string {
  return `docker.io/library/${image}`;
}
