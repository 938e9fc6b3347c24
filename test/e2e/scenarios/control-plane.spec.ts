import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../control-plane/api-client.js';
import { ControlPlane } from '../control-plane/control-plane.js';

const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const lease = (name: string) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name } });

let controlPlane: ControlPlane;

beforeAll(async () => {
  controlPlane = await ControlPlane.start();
});
afterAll(async () => {
  await controlPlane?.stop();
});

const ca = () => readFileSync(controlPlane.access.caFile, 'utf8');

test('a ServiceAccount may do what its Role says and nothing else, and the audit log shows both', async () => {
  await controlPlane.admin.must('POST', '/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'reader' },
  });
  const token = await controlPlane.serviceAccountToken('default', 'reader');
  const reader = new ApiClient(controlPlane.access.url, ca, { token });
  expect((await reader.call('GET', leases)).status).toBe(403);

  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  await controlPlane.admin.must('POST', `${rbac}/roles`, {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['list'] }],
  });
  await controlPlane.admin.must('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'default' }],
  });
  await expect.poll(async () => (await reader.call('GET', leases)).status).toBe(200);
  expect((await reader.call('POST', leases, lease('mine'))).status).toBe(403);
  reader.close();

  const mine = controlPlane.auditLog.requests().filter(({ user }) => user.username.endsWith(':reader'));
  expect(mine.map(({ verb }) => verb)).toContain('create');
  expect(mine.map(({ responseStatus }) => responseStatus?.code)).toEqual(expect.arrayContaining([200, 403]));
});

test('an unbound Pod ends the token that was bound to it', async () => {
  const pods = '/api/v1/namespaces/default/pods';
  await controlPlane.admin.must('POST', '/api/v1/namespaces/default/serviceaccounts', {
    metadata: { name: 'default' },
  });
  const pod = await controlPlane.admin.must('POST', pods, {
    metadata: { name: 'bound' },
    spec: { containers: [{ name: 'main', image: 'none' }] },
  });
  const { uid } = pod.metadata as { uid: string };
  const token = await controlPlane.serviceAccountToken('default', 'default', { name: 'bound', uid });
  const client = new ApiClient(controlPlane.access.url, ca, { token });
  expect((await client.call('GET', leases)).status).toBe(403);
  await controlPlane.admin.must('DELETE', `${pods}/bound?gracePeriodSeconds=0`);
  await expect.poll(async () => (await client.call('GET', leases)).status, { timeout: 30_000 }).toBe(401);
  client.close();
});

test('a killed API server and a killed etcd come back with their data', async () => {
  await controlPlane.admin.must('POST', leases, lease('survivor'));
  await controlPlane.apiServer.kill();
  await expect(controlPlane.admin.call('GET', `${leases}/survivor`)).rejects.toThrow();
  await controlPlane.etcd.kill();
  await controlPlane.etcd.start();
  await controlPlane.apiServer.start();
  expect((await controlPlane.admin.call('GET', `${leases}/survivor`)).status).toBe(200);
});

test('a frozen API server answers what it was asked once it is resumed', async () => {
  controlPlane.apiServer.freeze();
  const answer = controlPlane.admin.call('GET', leases);
  const first = await Promise.race([
    answer.then(() => 'answer'),
    new Promise((resolve) => setTimeout(resolve, 500, 'silence')),
  ]);
  controlPlane.apiServer.resume();
  expect(first).toBe('silence');
  expect((await answer).status).toBe(200);
});

test('new certificates are served to new connections', async () => {
  const token = controlPlane.access.adminToken;
  const rotated = controlPlane.rotateCertificates();
  const attempt = async (authority: string) => {
    const client = new ApiClient(controlPlane.access.url, () => authority, { token });
    const outcome = await client.call('GET', '/readyz').then(
      ({ status }) => status,
      (error: Error) => error.message,
    );
    client.close();
    return outcome;
  };
  await expect.poll(() => attempt(rotated), { timeout: 90_000, interval: 500 }).toBe(200);
  expect(await attempt(ca())).toMatch(/certificate/);
});
