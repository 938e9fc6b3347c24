import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlPlane } from '../../control-plane/control-plane.js';
import { goReplicaBinary } from '../../go-replica/binary.js';
import { applicationImage, goReplicaImage } from '../images.js';
import { Node } from '../node.js';
import { ContainerLogs } from './container-logs.js';
import type { FleetSettings } from './fleet-settings.js';
import { NAMESPACE } from './namespace.js';
import { PodFleet } from './pod-fleet.js';

const RBAC = 'rbac.authorization.k8s.io';

/** A control plane and its node, with the images and rights that the scenarios need, and one Deployment at a time. */
export class PodCluster {
  private readonly logs: ContainerLogs;
  private current?: { fleet: PodFleet; key: string };
  private fleets = 0;

  private constructor(
    readonly controlPlane: ControlPlane,
    readonly node: Node,
  ) {
    this.logs = new ContainerLogs(node.logs, (life, line) => {
      // The last lines of a fleet that is gone come late.
      const fleet = this.current?.fleet;
      if (fleet && life.pod.startsWith(`${fleet.name}-`)) fleet.history.hear(life, line);
    });
  }

  static async start(): Promise<PodCluster> {
    const controlPlane = await ControlPlane.start({ node: Node.user() });
    let node: Node | undefined;
    try {
      node = await Node.start(controlPlane);
      const cluster = new PodCluster(controlPlane, node);
      await cluster.importImages();
      await cluster.grantRights();
      return cluster;
    } catch (error) {
      await node?.stop();
      await controlPlane.stop();
      throw error;
    }
  }

  /** The Deployment with these settings: the one that is there, if it was made with them, else a new one in its place. */
  async fleet(settings: FleetSettings, isFresh = false): Promise<PodFleet> {
    const key = JSON.stringify(settings);
    if (this.current?.key === key && !isFresh) return this.current.fleet;
    await this.endFleet();
    const fleet = new PodFleet(this, `fleet${++this.fleets}`, settings);
    this.current = { fleet, key };
    await fleet.start();
    return fleet;
  }

  async endFleet(): Promise<void> {
    const before = this.current?.fleet;
    // One whose end fails is not ended again.
    this.current = undefined;
    await before?.stop();
  }

  async stop(): Promise<void> {
    await this.current?.fleet.letGo();
    this.logs.close();
    await this.node.stop();
    await this.controlPlane.stop();
  }

  private async importImages(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-leader-images-'));
    try {
      const application = applicationImage('application:1', this.node.binaries.probe);
      await this.node.importImage(await application.archive(join(folder, 'application.tar')));
      await this.node.importImage(await goReplicaImage(await goReplicaBinary()).archive(join(folder, 'go.tar')));
    } finally {
      rmSync(folder, { recursive: true });
    }
    await this.node.tagImage('application:1', 'application:2');
    await this.node.tagImage('go-replica:latest', 'go-replica:1');
    await this.node.tagImage('go-replica:latest', 'go-replica:2');
  }

  /** As sample/02-kubernetes has them, but for Leases of any name. */
  private async grantRights(): Promise<void> {
    const { admin } = this.controlPlane;
    const metadata = { name: 'application', namespace: NAMESPACE };
    await this.controlPlane.namespace(NAMESPACE);
    await admin.apply(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/application`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
    });
    await admin.apply(`/apis/${RBAC}/v1/namespaces/${NAMESPACE}/roles/application`, {
      apiVersion: `${RBAC}/v1`,
      kind: 'Role',
      metadata,
      rules: [
        {
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          verbs: ['get', 'create', 'update', 'list', 'watch'],
        },
        { apiGroups: [''], resources: ['events'], verbs: ['create'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch'] },
      ],
    });
    await admin.apply(`/apis/${RBAC}/v1/namespaces/${NAMESPACE}/rolebindings/application`, {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: 'application' },
      subjects: [{ kind: 'ServiceAccount', name: 'application', namespace: NAMESPACE }],
    });
  }
}
