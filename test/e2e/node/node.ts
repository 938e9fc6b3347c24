import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { ControlPlane, NodeUser } from '../control-plane/control-plane.js';
import { freePorts } from '../control-plane/free-ports.js';
import { ServerProcess } from '../control-plane/server-process.js';
import { type NodeBinaries, nodeBinaries } from './binaries.js';
import { Containerd } from './containerd.js';
import { pauseImage } from './images.js';
import { KernelSettings } from './kernel-settings.js';
import { kubeletConfiguration } from './kubelet-configuration.js';
import { MachineFolders } from './machine-folders.js';
import { NodeFolders } from './node-folders.js';
import { PodCgroups } from './pod-cgroups.js';
import { endProcesses } from './processes.js';
import { requireNode, searchPath } from './requirements.js';

export interface NodeOptions {
  /** Aborted, the start fails at its next step, and undoes the ones before. */
  signal?: AbortSignal;
}

/**
 * The node of a control plane: controllers, scheduler, containerd and kubelet on this machine. Pods really run. There is no Pod
 * network and no Service network: they need `hostNetwork`, and find the API server where it really is.
 */
export class Node {
  /**
   * A name that is an address becomes the address of the node. So nothing asks how the machine is reached from outside, and
   * probes, `kubectl logs` and `exec` go over loopback.
   */
  static readonly user = (): NodeUser => ({ name: '127.0.0.1', token: randomBytes(16).toString('hex') });

  private readonly folders = new NodeFolders();
  private readonly cgroups = new PodCgroups(this.folders.name);
  private readonly kernel = new KernelSettings();
  private readonly machine = new MachineFolders();
  private readonly containerd: Containerd;
  private readonly servers: ServerProcess[] = [];
  private kubeletProcess?: ServerProcess;

  private constructor(
    private readonly controlPlane: ControlPlane,
    private readonly user: NodeUser,
    readonly binaries: NodeBinaries,
  ) {
    this.containerd = new Containerd(this.folders, binaries);
  }

  /**
   * Resolves when the node is ready for Pods. The first call on a machine builds the programs.
   * @throws Error that names what the machine lacks
   */
  static async start(controlPlane: ControlPlane, { signal }: NodeOptions = {}): Promise<Node> {
    if (!controlPlane.node) throw new Error('This control plane was started without a node: it knows no kubelet.');
    requireNode();
    const binaries = await nodeBinaries();
    signal?.throwIfAborted();
    const node = new Node(controlPlane, controlPlane.node, binaries);
    try {
      await node.startParts(signal);
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  /** Makes an image known to the node. There is no registry: Pods name it with `imagePullPolicy: Never`. */
  async importImage(archive: string): Promise<void> {
    await this.containerd.importImage(archive);
  }

  /** In the name of every process, mount, control group and folder that this node makes. */
  get name(): string {
    return this.folders.name;
  }

  /** Another name for an image that is known: a version to roll out. */
  async tagImage(name: string, other: string): Promise<void> {
    await this.containerd.tagImage(name, other);
  }

  /** Where the logs of containers are, a folder for each Pod; what a container has written is there at once, and goes with its Pod. */
  get logs(): string {
    return this.folders.logs;
  }

  /** Stopped or frozen, it leaves the Pods running. */
  get kubelet(): ServerProcess {
    if (!this.kubeletProcess) throw new Error('The node has not started yet.');
    return this.kubeletProcess;
  }

  /** All processes of a Pod. */
  podProcesses(uid: string): number[] {
    return this.cgroups.processes((folder) => folder.includes(`pod${uid}`));
  }

  /** Ends the Pods and all parts, and gives the machine back as it was. */
  async stop(): Promise<void> {
    const steps: (() => unknown)[] = [
      // The kubelet first, or it would start again what ends.
      ...this.servers.toReversed().map((server) => () => server.stop()),
      // With containerd still there to clean up after them. Seconds enough to release a lease.
      () => endProcesses(() => this.cgroups.processes(), 5_000),
      () => this.containerd.stop(),
      () => this.folders.remove(),
      () => this.machine.restore(this.folders.logs),
      () => this.cgroups.remove(),
      () => this.kernel.restore(),
    ];
    const problems: unknown[] = [];
    // A step that fails must not keep the others from undoing theirs.
    for (const step of steps) {
      try {
        await step();
      } catch (problem) {
        problems.push(problem);
      }
    }
    if (problems.length > 0)
      throw new AggregateError(problems, `The node left something behind: ${problems.join('; ')}`);
  }

  private async startParts(signal?: AbortSignal): Promise<void> {
    this.cgroups.create();
    await this.containerd.start();
    signal?.throwIfAborted();
    await this.importImage(await pauseImage(this.binaries.pause).archive(join(this.folders.data, 'pause.tar')));

    const [controllers, scheduler, kubelet] = await freePorts(3);
    this.kubeletProcess = this.kubeletOn(kubelet!);
    for (const server of [this.controllerManager(controllers!), this.scheduler(scheduler!), this.kubeletProcess]) {
      signal?.throwIfAborted();
      this.servers.push(server);
      await server.start();
    }
  }

  private controllerManager(port: number): ServerProcess {
    return this.server(
      'kube-controller-manager',
      this.binaries.controllerManager,
      [
        `--kubeconfig=${this.kubeconfig('administrator')}`,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${join(this.folders.data, 'controller-manager')}`,
        `--service-account-private-key-file=${this.controlPlane.serviceAccountKeyFile}`,
        `--root-ca-file=${this.controlPlane.access.caFile}`,
        `--flex-volume-plugin-dir=${join(this.folders.data, 'volume-plugins')}`,
      ],
      () => isHealthy(port),
    );
  }

  private scheduler(port: number): ServerProcess {
    return this.server(
      'kube-scheduler',
      this.binaries.scheduler,
      [
        `--kubeconfig=${this.kubeconfig('administrator')}`,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${join(this.folders.data, 'scheduler')}`,
      ],
      () => isHealthy(port),
    );
  }

  private kubeletOn(port: number): ServerProcess {
    const { data } = this.folders;
    const config = join(data, 'kubelet.json');
    const settings = kubeletConfiguration({
      port,
      folders: this.folders,
      cgroupRoot: `/${this.cgroups.name}`,
      runtime: `unix://${this.containerd.socket}`,
      clientCaFile: this.controlPlane.access.caFile,
    });
    writeFileSync(config, JSON.stringify(settings, null, 2));
    return this.server(
      'kubelet',
      this.binaries.kubelet,
      [
        `--kubeconfig=${this.kubeconfig('node')}`,
        `--config=${config}`,
        `--hostname-override=${this.user.name}`,
        `--root-dir=${join(data, 'kubelet')}`,
        `--cert-dir=${join(data, 'kubelet-certificates')}`,
      ],
      () => this.isReady(),
    );
  }

  private server(name: string, binary: string, args: string[], isReady: () => Promise<boolean>): ServerProcess {
    const log = join(this.folders.data, `${name}.log`);
    return new ServerProcess(name, binary, args, log, isReady, { ...process.env, PATH: searchPath });
  }

  private kubeconfig(who: 'administrator' | 'node'): string {
    const credential = who === 'node' ? { token: this.user.token } : this.controlPlane.administrator;
    return this.controlPlane.kubeconfig(join(this.folders.data, `${who}.kubeconfig`), credential);
  }

  private async isReady(): Promise<boolean> {
    const { status, body } = await this.controlPlane.admin.call('GET', `/api/v1/nodes/${this.user.name}`);
    if (status !== 200) return false;
    const node = body as { status: { conditions?: { type: string; status: string }[] }; spec: { taints?: unknown[] } };
    // A new node is tainted until a controller has seen that it is ready; no Pod would be put on it before.
    const isReady = node.status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
    return isReady === true && (node.spec.taints ?? []).length === 0;
  }
}

function isHealthy(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Each has certified itself; what is asked is only whether it is up.
    const call = request({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on('error', () => resolve(false));
    call.end();
  });
}
