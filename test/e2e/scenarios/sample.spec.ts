import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { applyManifests } from '../fleet/manifests.js';
import { repository } from '../repository.js';
import { newFleet, sharedCluster } from './shared.js';

const { admin } = sharedCluster;
const deploy = join(repository, 'sample/02-kubernetes/deploy');
const LEADS = /this replica leads, fencing token/;

test('the manifests pass the strict validation of the API server', async () => {
  const files = readdirSync(deploy).toSorted((a) => (a === 'namespace.yaml' ? -1 : 1));
  const kinds: string[] = [];
  for (const file of files) kinds.push(...(await applyManifests(admin, readFileSync(join(deploy, file), 'utf8'))));
  expect(kinds.toSorted()).toEqual(
    ['Deployment', 'Namespace', 'PodDisruptionBudget', 'Role', 'RoleBinding', 'ServiceAccount'].toSorted(),
  );
});

test('a misspelt field would not have passed', async () => {
  const misspelt = readFileSync(join(deploy, 'deployment.yaml'), 'utf8').replace('replicas: 3', 'replica: 3');
  await expect(applyManifests(admin, misspelt)).rejects.toThrow(/replica/);
});

test('one replica works, is terminated, the next one works, is killed, the third one works; the lease tells the story', async () => {
  await using fleet = await newFleet();
  const a = await fleet.sample('a');
  await a.says(/shipping, fencing token/);
  const b = await fleet.sample('b');
  await sleep(2_000);
  expect(b.log).not.toMatch(LEADS);

  a.terminate();
  await b.says(/shipping, fencing token/);
  await a.exited;
  expect(a.log).toMatch(/leads no more \(stopped\)/);

  const c = await fleet.sample('c');
  await sleep(4_000);
  await b.kill();
  await c.says(/shipping, fencing token/);
  expect((await fleet.lease.read()).spec.leaseTransitions).toBe(2);

  const { items } = (await admin.must('GET', `/api/v1/namespaces/${fleet.namespace}/events`)) as {
    items?: { message: string; involvedObject: { kind: string; name: string } }[];
  };
  const story = items!.map(({ message }) => message.replace(/^\S+ /, ''));
  expect(story.filter((message) => message === 'became leader')).toHaveLength(3);
  expect(story).toContain('stopped leading');
  expect(items![0]!.involvedObject).toMatchObject({ kind: 'Lease', name: 'orders-worker' });
});
