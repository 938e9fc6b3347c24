import type { TestProject } from 'vitest/node';
import { ControlPlane } from './control-plane/control-plane.js';
import { existingCluster } from './control-plane/existing-cluster.js';
import { goReplicaBinary } from './go-replica/binary.js';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide('goReplica', await goReplicaBinary());
  const context = process.env['E2E_CONTEXT'];
  if (context) {
    project.provide('cluster', await existingCluster(context));
    return async () => {};
  }
  const controlPlane = await ControlPlane.start();
  project.provide('cluster', controlPlane.access);
  return () => controlPlane.stop();
}
