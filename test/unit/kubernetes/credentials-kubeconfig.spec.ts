import { createServer as createProxy, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { kubernetesLease, type KubernetesLeaseOptions } from 'nestjs-leader';
import { KubeconfigCredentials } from '../../../lib/stores/kubernetes/credentials/kubeconfig.js';
import { HUNG } from '../../../lib/stores/kubernetes/credentials/kubeconfig-file.js';
import { KubernetesLeaseStore } from '../../../lib/stores/kubernetes/lease-store.js';
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

/** A plugin that counts its runs; without an answer it fails, with escape codes. */
async function pluginOf(first: object | string | undefined) {
  const directory = await mkdtemp(join(tmpdir(), 'plugin-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [answerFile, runsFile] = [join(directory, 'answer'), join(directory, 'runs')];
  const answer = (credential: object | string | undefined) =>
    credential === undefined
      ? rm(answerFile)
      : writeFile(answerFile, typeof credential === 'string' ? credential : JSON.stringify(credential));
  await answer(first);
  const script = [
    `echo run >> ${runsFile}`,
    `[ -f ${answerFile} ] || { printf 'out of order\\033[31m' >&2; exit 1; }`,
    `cat ${answerFile}`,
  ].join('\n');
  const runs = async () => (await readFile(runsFile, 'utf8')).trim().split('\n').length;
  return { exec: { command: 'sh', args: ['-c', script] }, answer, runs };
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
    for (let i = 0; i < 3; i++) await expect(handle.read(impatient())).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });

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

  it('a plugin that fails costs nothing while its last token is good, and is run again after a pause', async () => {
    const plugin = await pluginOf({ status: { token: 'secret' } });
    const { server, file } = await laptop({ user: { exec: plugin.exec } });
    let now = 0;
    const store = new KubernetesLeaseStore({ events: false }, new KubeconfigCredentials(file, () => now));
    onTestFinished(() => store.close());
    const handle = store.open({ name: 'orders' });
    await handle.read(patient());
    await plugin.answer(undefined);
    for (let i = 0; i < 10; i++) {
      now += 3_000;
      await handle.read(patient());
    }
    // At once, after 30 s, and after 5 s each.
    expect(await plugin.runs()).toBeLessThanOrEqual(2);
    await plugin.answer({ status: { token: 'renewed' } });
    server.tokens.add('renewed');
    now += 5_000;
    await handle.read(patient());
    expect(server.requests.at(-1)?.token).toBe('renewed');
  });

  it('a plugin that never gave anything is not run for every attempt', async () => {
    const plugin = await pluginOf('no credential');
    const { file } = await laptop({ user: { exec: plugin.exec } });
    let now = 0;
    const store = new KubernetesLeaseStore({ events: false }, new KubeconfigCredentials(file, () => now));
    onTestFinished(() => store.close());
    const handle = store.open({ name: 'orders' });
    for (let i = 0; i < 5; i++)
      await expect(handle.read(patient())).rejects.toMatchObject({ code: 'STORE_UNAUTHENTICATED' });

    expect(await plugin.runs()).toBe(1);
    await plugin.answer({ status: { token: 'secret' } });
    now += 5_000;
    await expect(handle.read(patient())).resolves.toBeDefined();
  });

  it('a plugin that fails is named once its last token is refused', async () => {
    const plugin = await pluginOf({ status: { token: 'secret' } });
    const { server, file } = await laptop({ user: { exec: plugin.exec } });
    const handle = leaseWith(file);
    await handle.read(patient());
    await plugin.answer(undefined);
    server.tokens.clear();
    await expect(handle.read(patient())).rejects.toMatchObject({
      code: 'STORE_UNAUTHENTICATED',
      message: expect.stringContaining(String.raw`out of order\u{1b}[31m`),
    });
  });

  it('a plugin that hangs delays one request, and a little, where there is a token that was never refused', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { server } = await laptop();
    const config = kubeConfigOf(server);
    let now = 0;
    let hangs = false;
    const applyToHTTPSOptions = (options: object) =>
      hangs ? new Promise<void>(() => {}) : config.applyToHTTPSOptions(options);
    const credentials = new KubeconfigCredentials({ ...config, applyToHTTPSOptions }, () => now);
    const { signal } = new AbortController();
    const connection = await credentials.connection(signal);
    hangs = true;
    for (let started = 0; started < 3; started++) {
      now += HUNG;
      const delayed = credentials.connection(signal);
      expect(await credentials.connection(signal)).toBe(connection);
      await vi.advanceTimersByTimeAsync(250);
      expect(await delayed).toBe(connection);
    }
  });

  it('a KubeConfig of the application forgets the token of a plugin that is refused, whatever expiry it states', async () => {
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
    const plugin = await pluginOf({ status: { token: 'secret', expirationTimestamp } });
    const { server, file } = await laptop({ user: { exec: plugin.exec } });
    const config = new KubeConfig();
    config.loadFromFile(file);
    const handle = leaseWith(config);
    await handle.read(patient());
    server.tokens.clear();
    server.tokens.add('renewed');
    await plugin.answer({ status: { token: 'renewed', expirationTimestamp } });
    await expect(handle.read(patient())).resolves.toBeDefined();
  });

  it('a KubeConfig of the application forgets the token of a file that is refused', async () => {
    const { server, directory } = await laptop();
    const tokenFile = join(directory, 'token');
    await writeFile(tokenFile, 'secret');
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'c', server: `https://127.0.0.1:${server.port}`, caData: base64(server.ca.certificate) }],
      users: [{ name: 'u', authProvider: { name: 'tokenFile', config: { tokenFile } } }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    const handle = leaseWith(config);
    await handle.read(patient());
    server.tokens.clear();
    server.tokens.add('renewed');
    await writeFile(tokenFile, 'renewed');
    await expect(handle.read(patient())).resolves.toBeDefined();
  });

  it('a plugin that answers something else is named, and nothing of its answer is shown', async () => {
    const plugin = await pluginOf('s3cret-token');
    const { file } = await laptop({ user: { exec: plugin.exec } });
    const error = await leaseWith(file)
      .read(patient())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: /something else than an ExecCredential/ });
    expect(inspect(error, { depth: 9 })).not.toContain('s3cret');
    await plugin.answer({ status: {} });
    await expect(leaseWith(file).read(patient())).rejects.toMatchObject({ message: /neither a token nor a/ });
    await plugin.answer({ kind: 'ExecCredential' });
    await expect(leaseWith(file).read(patient())).rejects.toMatchObject({ message: /something else than an Exec/ });
  });

  it('a plugin that is missing is named, with its own advice', async () => {
    const exec = { command: 'no-such-plugin', installHint: 'Install it with \u001b[1mbrew.' };
    const { file } = await laptop({ user: { exec } });
    await expect(leaseWith(file).read(patient())).rejects.toMatchObject({
      message: /spawn no-such-plugin ENOENT/,
      advice: String.raw`Install it with \u{1b}[1mbrew.`,
    });
  });

  it('a plugin that asks a person meets the end of its input', async () => {
    const script = `process.stdin.on('end', () => console.log('{"status":{"token":"secret"}}')).resume()`;
    const { file } = await laptop({ user: { exec: { command: process.execPath, args: ['-e', script] } } });
    await expect(leaseWith(file).read(patient())).resolves.toBeDefined();
  });

  it('a plugin is started from the folder of the kubeconfig when its command is a relative path', async () => {
    const { server, directory, file, write } = await laptop();
    await mkdir(join(directory, 'bin'));
    await writeFile(join(directory, 'bin/plugin'), `#!/bin/sh\necho '{"status":{"token":"secret"}}'\n`, {
      mode: 0o755,
    });
    await write({ exec: { command: './bin/plugin' } });
    await leaseWith(file).read(patient());
    expect(server.requests[0]?.token).toBe('secret');
  });

  it('a plugin is told of the cluster as kubectl tells it, if it asks for that', async () => {
    const script = `require('fs').writeFileSync(process.env.TOLD, process.env.KUBERNETES_EXEC_INFO); console.log('{"status":{"token":"secret"}}')`;
    const told = async (exec: object, cluster: object) => {
      const { server, directory, file, write } = await laptop({ cluster });
      const env = [{ name: 'TOLD', value: join(directory, 'told') }];
      await write({ exec: { command: process.execPath, args: ['-e', script], env, ...exec } });
      await leaseWith(file).read(patient());
      return { server, info: JSON.parse(await readFile(join(directory, 'told'), 'utf8')) as object };
    };
    const v1 = 'client.authentication.k8s.io/v1';
    expect((await told({ apiVersion: v1 }, {})).info).toEqual({
      kind: 'ExecCredential',
      apiVersion: v1,
      spec: { interactive: false },
    });
    const extensions = [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } }];
    const { server, info } = await told({ apiVersion: v1, provideClusterInfo: true }, { extensions });
    expect(info).toMatchObject({
      spec: {
        cluster: {
          server: `https://127.0.0.1:${server.port}`,
          'certificate-authority-data': base64(server.ca.certificate),
          config: { audience: 'x' },
        },
      },
    });
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
