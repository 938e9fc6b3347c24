import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, inject, it } from 'vitest';
import { kubernetesLease } from 'nestjs-leader';
import { describeStoreContract, type ContractLease } from 'nestjs-leader/testing';
import { Cluster } from '../control-plane/cluster.js';

const cluster = new Cluster(inject('cluster'));
const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-contract-'));
const kubeConfig = cluster.kubeconfig(join(directory, 'config'), cluster.administrator);
afterAll(() => {
  cluster.close();
  rmSync(directory, { recursive: true });
});

const path = ({ namespace, name }: ContractLease) =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;

async function edit(lease: ContractLease, change: object): Promise<void> {
  await cluster.admin.must('PATCH', path(lease), change, 'application/merge-patch+json');
}

describeStoreContract(
  'kubernetes on a real API server',
  {
    connect: () => kubernetesLease({ kubeConfig }),
    deleteLease: async (lease) => void (await cluster.admin.must('DELETE', path(lease))),
    touchLease: (lease) => edit(lease, { metadata: { labels: { touched: 'yes' } } }),
    changeHolder: (lease, holder) => edit(lease, { spec: { holderIdentity: holder } }),
    patience: 20_000,
  },
  { describe, it },
);
