import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { InPodCredentials } from '../../../lib/stores/kubernetes/credentials/in-pod.js';
import { KubernetesLeaseStore } from '../../../lib/stores/kubernetes/lease-store.js';
import { FakeApiServer, json } from '../../kubernetes/fake-api-server.js';
import { patient } from '../../kubernetes/lease-scene.js';

const CORRUPT = '-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n';

/** A pod's mounted files and environment, and an election's view out of it. */
async function pod({ host = '127.0.0.1', env = {} }: { host?: string; env?: NodeJS.ProcessEnv } = {}) {
  const server = await FakeApiServer.start(host);
  const directory = await mkdtemp(join(tmpdir(), 'service-account-'));
  const mount = (file: string, content: string) => writeFile(join(directory, file), content);
  await mount('token', 'secret\n');
  await mount('ca.crt', server.ca.certificate);
  await mount('namespace', 'kube-system');
  const clock = { now: 0 };
  const address = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: String(server.port), ...env };
  const credentials = new InPodCredentials(directory, address, () => clock.now);
  const store = new KubernetesLeaseStore({ events: false }, credentials);
  onTestFinished(async () => {
    await store.close();
    await server.stop();
    await rm(directory, { recursive: true });
  });
  return {
    server,
    directory,
    mount,
    clock,
    credentials,
    store,
    read: () => store.open({ name: 'orders' }).read(patient()),
  };
}

describe('in a pod', () => {
  it('address, token, CA and namespace come from what Kubernetes provides', async () => {
    const { server, read } = await pod();
    await read();
    expect(server.requests[0]).toMatchObject({ token: 'secret', path: expect.stringContaining('/kube-system/leases') });
  });

  it('the Pod is the one that the token was made for, whatever the host is called', async () => {
    const { mount, store, credentials } = await pod();
    const claims = { 'kubernetes.io': { namespace: 'orders', pod: { name: 'orders-7f9-abcde', uid: 'u1' } } };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    await mount('token', `header.${payload}.signature\n`);
    expect(store.processName).toBe('orders-7f9-abcde');
    expect(await credentials.pod()).toEqual({ name: 'orders-7f9-abcde', uid: 'u1', namespace: 'orders' });
  });

  it('a token that names no Pod leaves the host name', async () => {
    const { mount, store, credentials } = await pod();
    expect(store.processName).toBeUndefined();
    expect(await credentials.pod()).toBeNull();
    await mount('token', 'a.bm8ganNvbg.c');
    expect(store.processName).toBeUndefined();
    expect(new InPodCredentials('/nowhere').podName).toBeUndefined();
  });

  it('the address may be one of IPv6', async () => {
    const { server, read } = await pod({ host: '::1' });
    await read();
    expect(server.requests).not.toEqual([]);
  });

  it('a new token is picked up within a minute, without a new connection', async () => {
    const { server, read, mount, clock } = await pod();
    await read();
    await mount('token', 'renewed');
    server.tokens.add('renewed');
    clock.now += 60_000;
    await read();
    expect(server.requests.at(-1)?.token).toBe('renewed');
    expect(server.connections).toBe(1);
  });

  it('a refused token is read again at once', async () => {
    const { server, read, mount } = await pod();
    await read();
    await mount('token', 'renewed');
    server.tokens.clear();
    server.tokens.add('renewed');
    await expect(read()).resolves.toBeDefined();
  });

  it('a bundle with a certificate that cannot be read among others is used', async () => {
    const { server, mount, read } = await pod();
    await mount('ca.crt', `# two of them\n${CORRUPT}${server.ca.certificate}`);
    await expect(read()).resolves.toBeDefined();
  });

  it('a new CA is trusted as soon as the old one has failed', async () => {
    const { server, read, mount } = await pod();
    await read();
    server.rotateCa();
    await mount('ca.crt', server.ca.certificate);
    server.cutConnections();
    await read().catch(() => {});
    await expect(read()).resolves.toBeDefined();
  });

  it.each(['token', 'ca.crt', 'namespace'])('an empty %s is named, not sent', async (file) => {
    const { server, read, mount, directory } = await pod();
    await mount(file, ' \n');
    await expect(read()).rejects.toMatchObject({
      code: 'STORE_UNAUTHENTICATED',
      message: expect.stringContaining(`${directory}/${file}`),
      advice: expect.stringContaining('automountServiceAccountToken'),
    });
    expect(server.requests).toEqual([]);
  });

  it('a missing token is named, and used once it is there', async () => {
    const { read, mount, directory } = await pod();
    await rm(join(directory, 'token'));
    await expect(read()).rejects.toMatchObject({ code: 'STORE_UNAUTHENTICATED', message: /token/ });
    await mount('token', 'secret');
    await expect(read()).resolves.toBeDefined();
  });

  describe.each<[string, (mounted: Awaited<ReturnType<typeof pod>>) => Promise<void>]>([
    ['the token cannot be read', ({ directory }) => rm(join(directory, 'token'))],
    ['the token is empty', ({ mount }) => mount('token', '')],
    ['the token is full of NULs', ({ mount }) => mount('token', '\0'.repeat(900))],
    ['the CA cannot be read', ({ directory }) => rm(join(directory, 'ca.crt'))],
    ['the CA is empty', ({ mount }) => mount('ca.crt', '')],
    ['the CA is half written', ({ mount }) => mount('ca.crt', '-----BEGIN CERTIFICATE-----\nAAAA')],
    ['the CA is no certificate', ({ mount }) => mount('ca.crt', CORRUPT)],
  ])('while %s', (_what, damage) => {
    it('the credentials that were never refused stay good', async () => {
      const mounted = await pod();
      const { server, read, clock } = mounted;
      await read();
      await damage(mounted);
      for (let minutes = 0; minutes < 60; minutes++) {
        clock.now += 60_000;
        await read();
      }
      expect(new Set(server.requests.map(({ token }) => token))).toEqual(new Set(['secret']));
    });

    it('a new token is picked up a second after it is there again', async () => {
      const mounted = await pod();
      const { server, read, mount, clock } = mounted;
      await read();
      await damage(mounted);
      clock.now += 60_000;
      await read();
      server.tokens.add('renewed');
      await mount('token', 'renewed');
      await mount('ca.crt', server.ca.certificate);
      clock.now += 1_000;
      await read();
      expect(server.requests.at(-1)?.token).toBe('renewed');
    });
  });

  it('what is refused while the file cannot be read is not used any more, and the file is named', async () => {
    const { server, read, mount, directory } = await pod();
    await read();
    server.tokens.clear();
    await mount('token', '');
    await expect(read()).rejects.toMatchObject({ code: 'STORE_UNAUTHENTICATED', message: /token: it is empty/ });
    const asked = server.requests.length;
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining(`${directory}/token`) });
    expect(server.requests).toHaveLength(asked);
  });

  it('the token of before comes back where the new one is refused', async () => {
    const { server, read, mount, clock } = await pod();
    await read();
    await mount('token', 'not-known-everywhere-yet');
    clock.now += 60_000;
    await expect(read()).resolves.toBeDefined();
    const gets = server.requests.filter(({ path }) => path.endsWith('/orders'));
    expect(gets.map(({ token }) => token)).toEqual(['secret', 'not-known-everywhere-yet', 'secret']);
    clock.now += 60_000;
    await read();
    server.tokens.clear();
    server.tokens.add('not-known-everywhere-yet');
    await expect(read()).resolves.toBeDefined();
  });

  it('one refusal out of turn does not make the files be read for every request', async () => {
    const { server, read, mount, clock } = await pod();
    await read();
    server.fault = (_request, response) => {
      server.fault = undefined;
      json(response, 401, { kind: 'Status', code: 401 });
      return true;
    };
    await read();
    clock.now += 2_000;
    await read();
    await mount('token', 'renewed');
    server.tokens.add('renewed');
    clock.now += 2_000;
    await read();
    expect(server.requests.at(-1)?.token).toBe('secret');
  });

  it('a missing address is named', async () => {
    const { read } = await pod({ env: { KUBERNETES_SERVICE_HOST: undefined } });
    await expect(read()).rejects.toMatchObject({ message: /KUBERNETES_SERVICE_HOST/ });
  });
});
