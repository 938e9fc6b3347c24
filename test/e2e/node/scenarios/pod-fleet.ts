import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { type Death, monotonic } from '../application/lines.js';
import type { Node } from '../node.js';
import type { ContainerLife } from './container-logs.js';
import { deployment, type Version } from './deployment.js';
import { History } from './history.js';
import type { FleetSettings } from './fleet-settings.js';
import { NAMESPACE } from './namespace.js';

interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string; annotations?: Record<string, string> };
  status: { conditions?: { type: string; status: string }[] };
}

interface DeploymentObject {
  metadata: { generation: number };
  spec: { replicas: number };
  status: { observedGeneration?: number; replicas?: number; updatedReplicas?: number; availableReplicas?: number };
}

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PATIENCE = 120_000;

/** A Deployment, what its replicas say, and what can be done to them. */
export class PodFleet {
  readonly history = new History();
  private version: Version = { image: 1 };
  private replicas: number;
  private keeping?: { stop: () => Promise<void> };

  constructor(
    readonly cluster: { readonly controlPlane: ControlPlane; readonly node: Node },
    readonly name: string,
    readonly settings: FleetSettings,
  ) {
    this.replicas = settings.replicas;
  }

  async start(): Promise<void> {
    await this.apply();
    if (this.settings.keepsLeader) this.keeping = this.keepLeader();
    await this.settled();
  }

  /** Touches nothing of the cluster any more: it may be stopped. */
  async letGo(): Promise<void> {
    await this.keeping?.stop();
  }

  /** Ends it without ceremony; resolves when nothing of it runs. */
  async stop(): Promise<void> {
    await this.letGo();
    await this.admin.must('DELETE', `${this.path}?propagationPolicy=Background`);
    await until('no Pod is left', async () => {
      const left = await this.pods();
      for (const { metadata } of left) await this.remove(metadata.name, 0);
      return left.length === 0;
    });
    await until('no process is left', () => this.cluster.node.podProcesses('').length === 0);
  }

  /**
   * As many replicas as there should be are ready, and one works.
   * @param aged also for longer than a lease: a standby waits out a crash in a term that it has not seen for so long
   */
  async settled(aged = false): Promise<void> {
    await until('all replicas are ready and one works', async () => {
      const pods = await this.pods();
      return pods.length === this.replicas && pods.every(isReady) && this.leaderNow() !== undefined;
    });
    if (!aged) return;
    const { leaseDuration = 15_000 } = this.settings;
    await until('the term is old enough', () => {
      const last = this.history.latest(monotonic() - 500);
      if (!last) return false;
      return monotonic() - Math.max(this.history.begun(last), this.history.lastStart) > leaseDuration + 1_000;
    });
  }

  /** Resolves when somebody works. */
  async working(): Promise<void> {
    await until('somebody works', () => this.leaderNow() !== undefined);
  }

  /** Who works. @throws Error if nobody does */
  leader(): ContainerLife {
    const life = this.leaderNow();
    if (!life) throw new Error(`Nobody works. ${this.history.tail}`);
    return life;
  }

  /** Resolves when somebody else than `before` has made a call since `since`. */
  async successor(before: ContainerLife, since: number): Promise<void> {
    await until('somebody else works', () => this.history.calls(since).some(({ life }) => life.id !== before.id));
  }

  /** SIGKILL, or another signal, to the program of a container, not to what it has started. Returns when. */
  signal({ uid }: ContainerLife, name: NodeJS.Signals = 'SIGKILL'): number {
    const isProgram = (pid: number) => /main\.js|^\/go-replica/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    const [pid, ...others] = this.cluster.node.podProcesses(uid).filter(isProgram);
    if (pid === undefined || others.length > 0) throw new Error(`Not one process: ${String([pid, ...others])}`);
    const at = monotonic();
    process.kill(pid, name);
    return at;
  }

  async die(life: ContainerLife, of: Death): Promise<void> {
    await this.post(life, `/die/${of}`);
  }

  async post(life: ContainerLife, path: string): Promise<void> {
    const url = `http://127.0.0.1:${this.history.port(life)}${path}`;
    const { ok, status } = await fetch(url, { method: 'POST' });
    if (!ok) throw new Error(`${url}: ${status}`);
  }

  async remove(pod: string, graceSeconds?: number): Promise<void> {
    // In the address: Node sends no length of a body with DELETE, and what follows would be taken for the next request.
    const grace = graceSeconds === undefined ? '' : `?gracePeriodSeconds=${graceSeconds}`;
    await this.admin.call('DELETE', `${PODS}/${pod}${grace}`);
  }

  async evict(pod: string): Promise<void> {
    const metadata = { name: pod, namespace: NAMESPACE };
    await this.admin.must('POST', `${PODS}/${pod}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata });
  }

  /** Changes what is rolled out, and returns what was. */
  async change(version: Partial<Version>): Promise<Version> {
    const before = this.version;
    this.version = { ...before, ...version };
    await this.apply();
    return before;
  }

  async scale(replicas: number): Promise<void> {
    this.replicas = replicas;
    await this.apply();
  }

  /** Every replica is of the version that was last asked for, and ready; none is ending. */
  async rolledOut(): Promise<void> {
    await until('it is rolled out', async () => {
      const { metadata, spec, status } = (await this.admin.must('GET', this.path)) as unknown as DeploymentObject;
      const { observedGeneration, replicas, updatedReplicas, availableReplicas } = status;
      return (
        observedGeneration === metadata.generation &&
        [replicas, updatedReplicas, availableReplicas].every((count) => count === spec.replicas) &&
        (await this.pods()).length === spec.replicas
      );
    });
  }

  /** Also those that are ending. */
  private async pods(): Promise<Pod[]> {
    const list = await this.admin.must('GET', `${PODS}?labelSelector=app%3D${this.name}`);
    return (list as unknown as { items: Pod[] }).items;
  }

  private leaderNow(): ContainerLife | undefined {
    return this.history.latest(monotonic() - 500)?.life;
  }

  private async apply(): Promise<void> {
    const { url } = this.cluster.controlPlane.access;
    await this.admin.apply(
      this.path,
      deployment(this.name, { ...this.settings, replicas: this.replicas }, this.version, url),
    );
  }

  /** What an elector could do for its own Pod: the leader's costs more to delete than the others'. */
  private keepLeader(): { stop: () => Promise<void> } {
    let marked = '';
    const over = new AbortController();
    const mark = (pod: string, cost: string | null) =>
      this.admin.call(
        'PATCH',
        `${PODS}/${pod}`,
        { metadata: { annotations: { [DELETION_COST]: cost } } },
        'application/merge-patch+json',
      );
    const loop = (async () => {
      for (; !over.signal.aborted; await sleep(50)) {
        const pod = this.leaderNow()?.pod;
        if (pod === undefined || pod === marked) continue;
        await mark(pod, '100');
        if (marked) await mark(marked, null);
        marked = pod;
      }
    })();
    return {
      stop: async () => {
        over.abort();
        await loop;
      },
    };
  }

  private get path(): string {
    return `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${this.name}`;
  }

  private get admin() {
    return this.cluster.controlPlane.admin;
  }
}

function isReady({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
  );
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = performance.now() + PATIENCE;
  while (!(await holds())) {
    if (performance.now() > giveUp) throw new Error(`Not within ${PATIENCE / 1000} s: ${what}.`);
    await sleep(100);
  }
}
