import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../control-plane/cluster.js';
import { repository } from '../repository.js';
import { overlaps } from './believers.js';
import { LeasePath } from './lease-path.js';
import type { FaultyGateway } from './faulty-gateway.js';
import { applyManifests } from './manifests.js';
import { MountedFiles } from './mounted-files.js';
import { monotonic } from './replica-lines.js';
import { Replica } from './replica.js';
import { TcpProxy } from './tcp-proxy.js';

export const LEASE = 'orders-worker';

export interface ReplicaOptions {
  /**
   * A Nest application, the elector alone, what was ported from a peer (a cron job in Nest, callbacks without it), or the bare
   * requests of a handover. Default `elector`.
   */
  program?: 'elector' | 'nest' | 'cron' | 'events' | 'bare';
  /** Put a wire with faults between it and the API server (`fleet.wire(name)`). Default false. */
  wired?: boolean;
  /** Arguments of the program. */
  args?: string[];
  /** Arguments of Node itself, for a replica of ours. */
  nodeArgs?: string[];
  /** What stands in front of the API server. */
  gateway?: FaultyGateway;
}

/**
 * The replicas of one scenario, in a namespace of their own, with the rights of sample/02-kubernetes and nothing else.
 * `await using` ends them all and then fails if two of them ever believed to lead at once.
 */
export class Fleet {
  readonly replicas: Replica[] = [];
  private readonly wires = new Map<string, TcpProxy>();
  private readonly mounted = new Map<string, MountedFiles>();
  private readonly directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-fleet-'));
  readonly lease: LeasePath;
  /** Replicas whose belief proves nothing against ours: client-go where it is known to overrun. */
  readonly disregarded = new Set<Replica>();

  private constructor(
    readonly cluster: Cluster,
    private readonly goReplicaBinary: string,
    readonly namespace: string,
  ) {
    this.lease = new LeasePath(cluster.admin, namespace, LEASE);
  }

  static async in(cluster: Cluster, goReplicaBinary: string): Promise<Fleet> {
    const namespace = `orders-${randomBytes(4).toString('hex')}`;
    await cluster.namespace(namespace);
    const fleet = new Fleet(cluster, goReplicaBinary, namespace);
    await fleet.grantRights();
    return fleet;
  }

  /** Applies the rights of the sample, to the letter but for the namespace. */
  async grantRights(): Promise<void> {
    const rbac = readFileSync(join(repository, 'sample/02-kubernetes/deploy/rbac.yaml'), 'utf8');
    await applyManifests(this.cluster.admin, rbac.replaceAll('namespace: orders\n', `namespace: ${this.namespace}\n`));
  }

  /** Starts a replica of ours and resolves once it stands for the lease. */
  async replica(name: string, options: ReplicaOptions = {}): Promise<Replica> {
    const { folder } = await this.mount(name, options);
    const { hostname, port } = new URL(await this.serverFor(name, options));
    const program = join(repository, `test/e2e/dist/fleet/programs/${options.program ?? 'elector'}-replica.js`);
    const own = ['--service-account', folder, '--identity', name, ...(options.args ?? [])];
    const args = [...(options.nodeArgs ?? []), program, ...own];
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    return this.join(new Replica(name, process.execPath, args, env));
  }

  /** Starts the application of sample/02-kubernetes as from a laptop: with a kubeconfig, though with the rights of its ServiceAccount. */
  async sample(name: string): Promise<Replica> {
    const { folder, token } = await this.mount(name);
    const options = { namespace: this.namespace };
    // Not `tokenFile`, which @kubernetes/client-node does not know.
    const kubeconfig = this.cluster.kubeconfig(join(folder, 'kubeconfig'), { token }, options);
    const program = join(repository, 'sample/02-kubernetes/dist/main.js');
    const replica = new Replica(name, process.execPath, [program], {
      KUBECONFIG: kubeconfig,
      PORT: '0',
      NO_COLOR: '1',
    });
    this.replicas.push(replica);
    await replica.says(/successfully started/);
    return replica;
  }

  /** Starts a replica on client-go and resolves once it stands for the lease. */
  async goReplica(name: string, options: ReplicaOptions = {}): Promise<Replica> {
    const { folder, tokenFile } = await this.mount(name, options);
    const server = await this.serverFor(name, options);
    const kubeconfig = this.cluster.kubeconfig(join(folder, 'kubeconfig'), { tokenFile }, { server });
    const args = ['-kubeconfig', kubeconfig, '-namespace', this.namespace, '-lease', LEASE, '-identity', name];
    return this.join(new Replica(name, this.goReplicaBinary, [...args, ...(options.args ?? [])]));
  }

  /** Starts any program, with the files of a pod and the address of the API server, and resolves once it says that it is ready. */
  async guest(
    name: string,
    options: ReplicaOptions,
    program: (files: MountedFiles, server: string) => Replica,
  ): Promise<Replica> {
    const files = await this.mount(name, options);
    return this.join(program(files, await this.serverFor(name, options)));
  }

  /** The wire of a replica that was started `wired`. */
  wire({ name }: Replica): TcpProxy {
    return known(this.wires.get(name), name);
  }

  /** What the kubelet would mount for a replica. */
  files({ name }: Replica): MountedFiles {
    return known(this.mounted.get(name), name);
  }

  /** The replica that first says it leads from `since` on; by default the one that leads now or next. */
  async leader(options: { since?: number; patience?: number; among?: Replica[] } = {}): Promise<Replica> {
    const { since = monotonic() - 50, patience = 60_000, among = this.replicas } = options;
    return Promise.any(
      among
        .filter((replica) => !replica.gone)
        .map((replica) =>
          replica.until('sample', { since, patience, where: ({ leader }) => leader }).then(() => replica),
        ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.wires.values()) wire.heal();
    await Promise.all(this.replicas.map((replica) => replica.kill()));
    await Promise.all([...this.wires.values()].map((wire) => wire.close()));
    rmSync(this.directory, { recursive: true });
    const judged = this.replicas.filter((replica) => !this.disregarded.has(replica));
    const found = overlaps(judged.flatMap((replica) => replica.beliefs));
    if (found.length === 0) return;
    const stories = this.replicas.map((replica) => `--- ${replica.name}\n${replica.story()}`);
    throw new Error([`Two believers: ${JSON.stringify(found, null, 2)}`, ...stories].join('\n'));
  }

  private async join(replica: Replica): Promise<Replica> {
    this.replicas.push(replica);
    await replica.until('ready');
    return replica;
  }

  private async serverFor(name: string, { wired, gateway }: ReplicaOptions): Promise<string> {
    const server = gateway?.url ?? this.cluster.access.url;
    if (!wired) return server;
    const wire = await TcpProxy.to(server);
    this.wires.set(name, wire);
    return wire.url;
  }

  private async mount(name: string, { gateway }: ReplicaOptions = {}): Promise<MountedFiles> {
    const files = await MountedFiles.in(join(this.directory, name), this.cluster, this.namespace);
    this.mounted.set(name, files);
    if (gateway) files.trust(gateway.ca);
    return files;
  }
}

function known<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`The replica ${name} was started without.`);
  return thing;
}
