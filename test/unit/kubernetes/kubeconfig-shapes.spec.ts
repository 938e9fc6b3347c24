import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { kubernetesLease } from 'nestjs-leader';
import { KubeconfigCredentials } from '../../../lib/stores/kubernetes/credentials/kubeconfig.js';
import { impersonation } from '../../../lib/stores/kubernetes/credentials/kubeconfig-document.js';
import { FakeApiServer, newAuthority } from '../../kubernetes/fake-api-server.js';
import { kubeConfigOf } from '../../kubernetes/kube-config-of.js';
import { patient } from '../../kubernetes/lease-scene.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const { certificate: CA } = newAuthority();
const CA_DATA = { 'certificate-authority-data': base64(CA) };

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
  readonly document?: object;
}

/** A kubeconfig of one context; `document` replaces whole sections. */
function kubeconfig({ cluster, user, context, document }: Parts = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'x',
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...CA_DATA, ...cluster } }],
    users: [{ name: 'u', user: user ?? { token: 'secret' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', ...context } }],
    ...document,
  };
}

async function folder(files: Record<string, object | string>) {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return directory;
}

/** How a replica with this kubeconfig would connect. */
async function connectionOf(parts: Parts | string, files: Record<string, string> = {}) {
  const directory = await folder({ ...files, config: typeof parts === 'string' ? parts : kubeconfig(parts) });
  return new KubeconfigCredentials(join(directory, 'config')).connection(patient());
}

async function refusalOf(parts: Parts | string): Promise<string> {
  const error: unknown = await connectionOf(parts).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'LeaseStoreError', code: 'STORE_UNAUTHENTICATED' });
  const { message, advice } = error as { message: string; advice?: string };
  return `${message} ${advice}`;
}

describe('the address in a kubeconfig', () => {
  it.each([
    ['127.0.0.1:6443', { host: '127.0.0.1', port: 6443 }],
    ['localhost:6443', { host: 'localhost', port: 6443 }],
    ['api.example.com', { host: 'api.example.com', port: 443 }],
    ['[::1]:6443/clusters/a', { host: '::1', port: 6443, basePath: '/clusters/a' }],
    ['https://10.0.0.1:6443//', { host: '10.0.0.1', port: 6443, basePath: '' }],
  ])('%s is https where TLS is configured', async (server, expected) => {
    expect(await connectionOf({ cluster: { server } })).toMatchObject({ protocol: 'https:', ...expected });
    const insecure = { server, 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true };
    expect(await connectionOf({ cluster: insecure })).toMatchObject({ protocol: 'https:', ...expected });
  });

  it('without a scheme and without TLS is refused: the token would travel in clear', async () => {
    const cluster = { server: 'localhost:6443', 'certificate-authority-data': undefined };
    expect(await refusalOf({ cluster })).toContain('has no scheme. Write https://localhost:6443.');
  });

  it('may be http where it says so, as that of `kubectl proxy`', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const cluster = { server: `http://127.0.0.1:${port}`, 'certificate-authority-data': undefined };
    const directory = await folder({ config: kubeconfig({ cluster, user: {} }) });
    const store = kubernetesLease({ kubeConfig: join(directory, 'config'), events: false });
    onTestFinished(() => store.close?.());
    await expect(store.open({ name: 'orders' }).read(patient())).rejects.toMatchObject({ message: /HTTP 404/ });
  });

  it.each([
    ['ftp://10.0.0.1', /neither https nor http/],
    ['https://', /is no address/],
    ['https://me:secret@10.0.0.1', /more than host, port and path/],
    ['https://10.0.0.1/?token=secret', /more than host, port and path/],
  ])('%s is refused', async (server, why) => {
    const refusal = await refusalOf({ cluster: { server } });
    expect(refusal).toMatch(why);
    expect(refusal).not.toContain('secret');
  });

  it('of a KubeConfig of the application needs no scheme either', async () => {
    const server = await FakeApiServer.start();
    onTestFinished(() => server.stop());
    const config = { ...kubeConfigOf(server), getCurrentCluster: () => ({ server: `127.0.0.1:${server.port}` }) };
    const store = kubernetesLease({ kubeConfig: config, events: false });
    onTestFinished(() => store.close?.());
    await expect(store.open({ name: 'orders' }).read(patient())).resolves.toBeDefined();
  });
});

describe('a kubeconfig that acts as somebody else', () => {
  it('says as whom, with groups, uid and extra', async () => {
    const user = {
      token: 'secret',
      as: 'jané',
      'as-groups': ['devs', 'ops'],
      'as-uid': 42,
      'as-user-extra': { 'example.com/reason': ['audit', 'drill'] },
    };
    const { headers } = await connectionOf({ user });
    expect(headers).toEqual({
      Authorization: 'Bearer secret',
      'Impersonate-User': Buffer.from('jané').toString('latin1'),
      'Impersonate-Group': ['devs', 'ops'],
      'Impersonate-Uid': '42',
      'Impersonate-Extra-example.com%2Freason': ['audit', 'drill'],
    });
    expect(impersonation({})).toEqual({});
  });

  it.each(['as-groups', 'as-uid', 'as-user-extra'])('is refused with %s and without a user', async (field) => {
    expect(await refusalOf({ user: { token: 'secret', [field]: ['x'] } })).toContain('without as');
  });
});

describe('credentials in a kubeconfig', () => {
  it('are those of tokenFile before those of token, read each time, relative to the file', async () => {
    const user = { token: 'old', tokenFile: 'secrets/token' };
    const { headers } = await connectionOf({ user }, { 'secrets/token': 'secret\n' });
    expect(headers).toMatchObject({ Authorization: 'Bearer secret' });
    expect((await connectionOf({ user })).headers).toMatchObject({ Authorization: 'Bearer old' });
    expect(await refusalOf({ user: { tokenFile: 'secrets/token' } })).toMatch(/secrets\/token: ENOENT/);
  });

  it('may be digits, and end in a newline', async () => {
    expect((await connectionOf({ user: { token: 12345 } })).headers).toEqual({ Authorization: 'Bearer 12345' });
    expect((await connectionOf({ user: { token: 'secret\n' } })).headers).toEqual({ Authorization: 'Bearer secret' });
  });

  it('are refused where they cannot be sent, without being shown', async () => {
    const refusal = await refusalOf({ user: { token: 'sec\nret' } });
    expect(refusal).toContain('its token holds characters that cannot be sent');
    expect(refusal).not.toContain('sec\\nret');
  });

  it('may be a user without a password', async () => {
    const { headers } = await connectionOf({ user: { username: 'me' } });
    expect(headers).toEqual({ Authorization: `Basic ${base64('me:')}` });
  });

  it.each<[string, Parts, RegExp]>([
    [
      'two client certificates',
      { user: { 'client-certificate': 'a', 'client-certificate-data': 'b' } },
      /and client-certificate-data/,
    ],
    ['two client keys', { user: { 'client-key': 'a', 'client-key-data': 'b' } }, /and client-key-data/],
    [
      'a certificate without a key',
      { user: { 'client-certificate-data': base64(CA) } },
      /only one of client certificate/,
    ],
    [
      'no certificate',
      { user: { 'client-certificate-data': base64('x'), 'client-key-data': base64('y') } },
      /client certificate and key/,
    ],
    ['two authorities', { cluster: { 'certificate-authority': 'ca.crt' } }, /and certificate-authority-data/],
    [
      'an authority that is not asked',
      { cluster: { 'insecure-skip-tls-verify': true } },
      /and insecure-skip-tls-verify/,
    ],
    ['an authority that is none', { cluster: { 'certificate-authority-data': base64('x') } }, /holds no certificate/],
    ['a token and a password', { user: { token: 'a', username: 'b' } }, /a token and a user name/],
    [
      'two kinds of plugin',
      { user: { exec: { command: 'a' }, 'auth-provider': { name: 'gcp' } } },
      /exec and auth-provider/,
    ],
    ['a plugin without a command', { user: { exec: {} } }, /has no command/],
    [
      'a plugin that needs a person',
      { user: { exec: { command: 'a', interactiveMode: 'Always' } } },
      /interactiveMode Always/,
    ],
    ['a proxy without a scheme', { cluster: { 'proxy-url': 'proxy:3128' } }, /begins with none of/],
  ])('that are %s are refused, as kubectl refuses them', async (_what, parts, why) => {
    expect(await refusalOf(parts)).toMatch(why);
  });
});

describe('the context in a kubeconfig', () => {
  const elsewhere = { 'current-context': 'y' };
  it.each<[string, Parts, RegExp]>([
    [
      'none is chosen',
      { document: { 'current-context': undefined } },
      /kubectl config use-context <name>\. It has: x\./,
    ],
    ['there is none', { document: { 'current-context': '', contexts: [] } }, /It has no context either/],
    ['it does not exist', { document: elsewhere }, /current-context "y" does not exist/],
    ['it names no cluster', { context: { cluster: '' } }, /context "x" names no cluster/],
    ['its cluster does not exist', { context: { cluster: 'd' } }, /cluster "d", which does not exist/],
    ['its cluster has no server', { cluster: { server: '' } }, /cluster "c" names no server/],
    ['it names no user', { context: { user: undefined } }, /context "x" names no user/],
    ['its user does not exist', { document: { users: [] } }, /user "u", which does not exist/],
  ])('is refused by name where %s', async (_what, parts, why) => {
    expect(await refusalOf(parts)).toMatch(why);
  });

  it('is used whatever stands beside it', async () => {
    const broken = [{ name: 'broken' }, null, 7, { cluster: {} }];
    const { clusters, users } = kubeconfig() as Record<string, object[]>;
    const document = { clusters: [...clusters!, ...broken], users: [...users!, ...broken] };
    expect(await connectionOf({ document })).toMatchObject({ host: '10.0.0.1' });
  });

  it('is that of a file of YAML', async () => {
    const text = `
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://10.0.0.1", insecure-skip-tls-verify: true}}]
users:
- name: u
  user:
    token: secret
`;
    expect((await connectionOf(text)).headers).toEqual({ Authorization: 'Bearer secret' });
  });

  it.each([
    ['an empty file', '\n', /config is empty/],
    ['a file of something else', 'hello', /config is none/],
    ['another kind', '{"apiVersion":"v1","kind":"Pod"}', /config is none/],
    ['no YAML', 'users:\n- name: u\n  user:\n    token: s3cret\n   x: [', /is no YAML in line \d/],
  ])('is refused in %s, without showing it', async (_what, content, why) => {
    const refusal = await refusalOf(content);
    expect(refusal).toMatch(why);
    expect(refusal).not.toContain('s3cret');
  });
});

describe('several kubeconfig files', () => {
  async function merged(files: Record<string, object>, listed = Object.keys(files)) {
    const directory = await folder(files as Record<string, object>);
    vi.stubEnv('KUBECONFIG', listed.map((name) => join(directory, name)).join(delimiter));
    return new KubeconfigCredentials().connection(patient());
  }

  it('are merged: the first one that names something wins', async () => {
    const first = kubeconfig({ user: { token: 'first' }, document: { clusters: [] } });
    const second = kubeconfig({ user: { token: 'second' }, document: { 'current-context': 'y' } });
    expect(await merged({ first, second })).toMatchObject({
      host: '10.0.0.1',
      headers: { Authorization: 'Bearer first' },
    });
  });

  it('need not all exist', async () => {
    expect(await merged({ config: kubeconfig() }, ['missing', 'config'])).toMatchObject({ host: '10.0.0.1' });
    await expect(merged({}, ['missing', 'gone'])).rejects.toMatchObject({
      message: /missing, .*gone, and none of them/,
    });
  });

  it('have their own folders for relative paths', async () => {
    const user = { tokenFile: 'token' };
    const files = { 'a/config': kubeconfig({ user }), 'b/config': {} };
    const directory = await folder({ ...files, 'a/token': 'of a', 'b/token': 'of b' });
    vi.stubEnv('KUBECONFIG', ['b/config', 'a/config'].map((name) => join(directory, name)).join(delimiter));
    const { headers } = await new KubeconfigCredentials().connection(patient());
    expect(headers).toMatchObject({ Authorization: 'Bearer of a' });
  });
});
