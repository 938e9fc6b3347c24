import { afterAll, beforeAll, describe, it } from 'vitest';
import { kubernetesLease } from 'nestjs-leader';
import { describeStoreContract } from 'nestjs-leader/testing';
import { freePort } from '../e2e/control-plane/free-ports.js';
import { FakeApiServer } from '../kubernetes/fake-api-server.js';
import { kubeConfigOf } from '../kubernetes/kube-config-of.js';

let server: FakeApiServer;
beforeAll(async () => {
  server = await FakeApiServer.start();
});
afterAll(() => server.stop());

const harness = {
  connect: () => kubernetesLease({ kubeConfig: kubeConfigOf(server) }),
  async unreachable() {
    const port = await freePort();
    const address = () => ({ server: `https://127.0.0.1:${port}` });
    return kubernetesLease({ kubeConfig: { ...kubeConfigOf(server), getCurrentCluster: address } });
  },
  async deleteLease({ namespace, name }: { namespace: string; name: string }) {
    server.leases.delete(namespace, name);
  },
  async touchLease({ namespace, name }: { namespace: string; name: string }) {
    server.leases.edit(namespace, name, ({ metadata }) => (metadata.labels = { touched: 'yes' }));
  },
  async changeHolder({ namespace, name }: { namespace: string; name: string }, holder: string | null) {
    server.leases.edit(namespace, name, ({ spec }) => (spec.holderIdentity = holder));
  },
};

describeStoreContract('kubernetes', harness, { describe, it });

describe('where the role allows no list', () => {
  beforeAll(() => void server.forbidden.add('list leases'));
  afterAll(() => void server.forbidden.delete('list leases'));
  describeStoreContract('kubernetes', harness, { describe, it });
});
