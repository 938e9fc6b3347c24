import { createServer as createProxy, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { kubernetesLease, type KubernetesLeaseOptions } from 'nestjs-leader';
import { KubeconfigCredentials } from '../../../lib/stores/kubernetes/credentials-kubeconfig.js';
import { HUNG } from '../../../lib/stores/kubernetes/kubeconfig-file.js';
import { FakeApiServer } from '../../kubernetes/fake-api-server.js';
import { kubeConfigOf } from '../../kubernetes/kube-config-of.js';
import { impatient, patient, recordBy } from '../../kubernetes/lease-scene.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A kubeconfig file as `kubectl` reads it, for a user of the fake API server. */
async function laptop({ user = { token: 'secret' } as object, cluster = {} as object, path = '' } = {}) {
  const server = await FakeApiServer.start();
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  const file = join(directory, 'config');
  const write = (user: object) =>
    writeFile(
      file,
      // YAML reads JSON.
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'fake',
        contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'me', namespace: 'kube-system' } }],
        clusters: [
          {
            name: 'fake',
            cluster: {
              server: `https://127.0.0.1:${server.port}${path}`,
              'certificate-authority-data': base64(server.ca.certificate),
              ...cluster,
            },
          },
        ],
        users: [{ name: 'me', user }],
      }),
    );
  await write(user);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await server.stop();
    await rm(directory, { recursive: true });
  });
  return { server, directory, file, write };
}

function leaseWith(kubeConfig?: KubernetesLeaseOptions['kubeConfig']) {
  const store = kubernetesLease({ kubeConfig, events: false });
  onTestFinished(() => store.close?.());
  return store.open({ name: 'orders' });
}

/** A plugin in a process of its own that never answers. `started` gives its process id once it runs. */
async function hangingPlugin() {
  const directory = await mkdtemp(join(tmpdir(), 'plugin-'));
  const pidFile = join(directory, 'pid');
  const script = `require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setTimeout(() => {}, 60000)`;
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] };
  const pid = () => readFile(pidFile, 'utf8').then(Number, () => 0);
  onTestFinished(async () => {
    vi.useRealTimers();
    if (isAlive(await pid())) process.kill(await pid());
    await rm(directory, { recursive: true });
  });
  const started = async () => {
    await expect.poll(pid).toBeGreaterThan(0);
    return pid();
  };
  return { ...(await laptop({ user: { exec } })), started };
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    // ESRCH: it has ended.
    return false;
  }
}

describe('with a kubeconfig', () => {
  it('a file by its path is used, with the namespace of its context', async () => {
    const { server, file } = await laptop();
    await leaseWith(file).read(patient());
    expect(server.requests[0]).toMatchObject({ token: 'secret', path: expect.stringContaining('/kube-system/leases') });
  });

  it('KUBECONFIG is used when nothing is named', async () => {
    const { server, file } = await laptop();
    vi.stubEnv('KUBECONFIG', file);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    await leaseWith().read(patient());
    expect(server.requests).not.toEqual([]);
  });

  it('none at all is said, instead of trying a port on this machine', async () => {
    const { directory } = await laptop();
    vi.stubEnv('KUBECONFIG', undefined);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    vi.stubEnv('HOME', directory);
    await expect(leaseWith().read(patient())).rejects.toMatchObject({
      code: 'STORE_UNAUTHENTICATED',
      message: /KUBECONFIG is not set/,
    });
  });

  it('a KubeConfig of the user is used as it is', async () => {
    const { server } = await laptop();
    await leaseWith(kubeConfigOf(server, 'secret', 'default')).read(patient());
    expect(server.requests[0]?.path).toContain('/default/leases');
  });

  it('a missing file is named', async () => {
    const { directory } = await laptop();
    await expect(leaseWith(join(directory, 'nothing')).read(patient())).rejects.toMatchObject({
      code: 'STORE_UNAUTHENTICATED',
      message: expect.stringContaining(join(directory, 'nothing')),
    });
  });

  it('client-node opens no connection of its own: one serves all calls', async () => {
    const { server, file } = await laptop();
    const handle = leaseWith(file);
    for (let i = 0; i < 5; i++) {
      expect(await handle.replace(await handle.read(patient()), recordBy('a'), patient())).toMatchObject({
        kind: 'applied',
      });
    }
    expect(server.connections).toBe(1);
  });

  it('a refused token makes the file be read again', async () => {
    const { server, file, write } = await laptop();
    const handle = leaseWith(file);
    await handle.read(patient());
    server.tokens.clear();
    server.tokens.add('renewed');
    await write({ token: 'renewed' });
    await expect(handle.read(patient())).resolves.toBeDefined();
  });

  it('an exec plugin gives the token', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'secret' },
    };
    const exec = {
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
    };
    const { server, file } = await laptop({ user: { exec: { apiVersion: credential.apiVersion, ...exec } } });
    await leaseWith(file).read(patient());
    expect(server.requests[0]?.token).toBe('secret');
  });

  it('an exec plugin that hangs is under the deadline too, and the write certainly did nothing', async () => {
    const { server, file, started } = await hangingPlugin();
    const patience = new AbortController();
    const outcome = leaseWith(file).replace({ lease: null, token: 0n }, recordBy('a'), patience.signal);
    await started();
    patience.abort();
    expect(await outcome).toMatchObject({ kind: 'rejected', cause: { code: 'STORE_TIMEOUT' } });
    expect(server.requests).toEqual([]);
  });

  it('an exec plugin that hangs is ended after a while, and keeps no process from exiting until then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { file, started } = await hangingPlugin();
    const holding = () => process.getActiveResourcesInfo().filter((kind) => /^(ProcessWrap|PipeWrap)$/.test(kind));
    const before = holding();
    const read = leaseWith(file).read(new AbortController().signal);
    const pid = await started();
    expect(holding()).toEqual(before);
    vi.advanceTimersByTime(HUNG);
    await expect(read).rejects.toMatchObject({
      code: 'STORE_UNAUTHENTICATED',
      message: expect.stringContaining(`${process.execPath} did not answer within 30 s`),
    });
    expect(isAlive(pid)).toBe(false);
  });

  it('a plugin that hangs is not started again by every attempt', async () => {
    const { server } = await laptop();
    let started = 0;
    const applyToHTTPSOptions = () => {
      started += 1;
      return new Promise<void>(() => {});
    };
    const handle = leaseWith({ ...kubeConfigOf(server), applyToHTTPSOptions });
    for (let i = 0; i < 3; i++) {
      await expect(handle.read(impatient())).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    }
    expect(started).toBe(1);
  });

  it('a plugin that hung once is named, and started again after a while', async () => {
    const { server } = await laptop();
    const config = kubeConfigOf(server);
    let now = 0;
    const answers: (() => void)[] = [];
    const applyToHTTPSOptions = async (options: object) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return config.applyToHTTPSOptions(options);
    };
    const credentials = new KubeconfigCredentials({ ...config, applyToHTTPSOptions }, () => now);
    const impatience = new AbortController();
    const first = credentials.connection(impatience.signal);
    await expect.poll(() => answers.length).toBe(1);
    impatience.abort(new Error('too long'));
    await expect(first).rejects.toThrow('too long');

    now = 10_000;
    await expect(credentials.connection(patient())).rejects.toMatchObject({
      code: 'STORE_UNAUTHENTICATED',
      message: expect.stringMatching(/credentials plugin of the kubeconfig has not answered since \d{4}-/),
    });
    expect(answers).toHaveLength(1);

    now = HUNG;
    const second = credentials.connection(patient());
    await expect.poll(() => answers.length).toBe(2);
    answers[1]!();
    const connection = await second;

    // Nor does what the first one says in the end displace what came after it.
    answers[0]!();
    await new Promise(setImmediate);
    expect(await credentials.connection(patient())).toBe(connection);
  });

  it('a proxy that it names is gone through', async () => {
    const tunnels: string[] = [];
    const proxy = createProxy().on('connect', (request: IncomingMessage, socket: Socket) => {
      tunnels.push(request.url ?? '');
      const [host = '', port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const { server, file } = await laptop({ cluster: { 'proxy-url': `http://127.0.0.1:${port}` } });
    const handle = leaseWith(file);
    const written = await handle.replace(await handle.read(patient()), recordBy('a'), patient());
    expect(written.kind).toBe('applied');
    expect(new Set(tunnels)).toEqual(new Set([`127.0.0.1:${server.port}`]));
  });

  it('a cluster behind a path of a gateway is found there', async () => {
    const { server, file } = await laptop({ path: '/k8s/clusters/c-1/' });
    await leaseWith(file)
      .read(patient())
      .catch(() => {});
    expect(server.requests[0]?.path).toMatch(/^\/k8s\/clusters\/c-1\/apis\//);
  });

  it('a server certificate of another CA is not trusted', async () => {
    const { server, file } = await laptop();
    server.rotateCa();
    await expect(leaseWith(file).read(patient())).rejects.toMatchObject({ code: 'STORE_FAILED', advice: /CA/ });
    expect(server.requests).toEqual([]);
  });
});
