import { onTestFinished } from 'vitest';
import type { LeaseRecord, LeaseHandle, Snapshot, WriteOutcome } from 'nestjs-leader/election';
import type { KubernetesLeaseOptions } from '../../lib/stores/kubernetes/options.js';
import { KubernetesLeaseStore } from '../../lib/stores/kubernetes/lease-store.js';
import { KubeconfigCredentials } from '../../lib/stores/kubernetes/credentials/kubeconfig.js';
import { FakeApiServer } from './fake-api-server.js';
import { kubeConfigOf } from './kube-config-of.js';

export const LEASE = { name: 'orders', namespace: 'default' };

let writes = 0;

export function recordBy(holder: string | null, more: Partial<LeaseRecord> = {}): LeaseRecord {
  writes += 1;
  return {
    holder,
    duration: 15_000,
    acquiredAt: 1_767_225_600_000,
    renewedAt: 1_767_225_600_000 + writes * 1000,
    transitions: 0,
    term: `term of ${holder}`,
    writeId: `write-${writes}`,
    ...more,
  };
}

/** A fake API server for one test, and a client of it. Both are gone when the test is. */
export async function leaseScene(options: KubernetesLeaseOptions = {}) {
  const server = await FakeApiServer.start();
  const store = storeOf(server, options);
  const handle = store.open(LEASE);
  onTestFinished(async () => {
    await store.close?.();
    await server.stop();
  });
  return { server, store, handle, write: (record = recordBy('a')) => writeNow(handle, record) };
}

export function storeOf(server: FakeApiServer, options: KubernetesLeaseOptions = {}): KubernetesLeaseStore {
  return new KubernetesLeaseStore({ events: false, ...options }, new KubeconfigCredentials(kubeConfigOf(server)));
}

/** Long enough never to end a test that passes. */
export const patient = () => AbortSignal.timeout(10_000);

/** Runs out while the server keeps silent. */
export const impatient = () => AbortSignal.timeout(100);

async function writeNow(handle: LeaseHandle, record: LeaseRecord): Promise<Snapshot> {
  return appliedBy(await handle.replace(await handle.read(patient()), record, patient()));
}

export function appliedBy(outcome: WriteOutcome): Snapshot {
  if (outcome.kind !== 'applied')
    throw new Error(`${outcome.kind}: ${'cause' in outcome ? String(outcome.cause) : ''}`);
  return outcome.snapshot;
}

/** Creates the Lease behind everybody's back, as client-go would. */
export function writerOf(server: FakeApiServer): (holderIdentity: string) => void {
  return (holderIdentity) =>
    void server.leases.create(LEASE.namespace, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...LEASE },
      spec: { holderIdentity, leaseDurationSeconds: 15 },
    });
}
