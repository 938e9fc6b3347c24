import type { SpawnOptions } from 'node:child_process';
import type { Socket } from 'node:net';
import { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import type { KubeConfigLike } from '../options.js';
import {
  addressOf,
  chooseContext,
  fieldsOf,
  impersonation,
  isSet,
  listOf,
  text,
  unusable,
  type Chosen,
  type KubeconfigFile,
} from './kubeconfig-document.js';

/** Milliseconds after which a plugin counts as hung. Those of the clouds answer within a few seconds. */
export const HUNG = 30_000;

/** A kubeconfig, and what client-node does not read of it. */
export interface LoadedKubeConfig {
  readonly config: KubeConfigLike;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly tokenFile?: string;
  readonly installHint?: string;
}

type Yaml = { loadYaml(text: string): unknown };

export async function loadKubeConfig(source?: KubeConfigLike | string): Promise<LoadedKubeConfig> {
  if (typeof source === 'object') return { config: source };
  const client = await clientNode();
  const { resolve } = await import('node:path');
  const chosen = chooseContext(await readFiles(client, source), resolve);
  const { user } = chosen;
  const config = new client.KubeConfig();
  config.loadFromString(JSON.stringify(await forClientNode(chosen)));
  await boundPlugins(config);
  return {
    config,
    headers: impersonation(user.fields),
    tokenFile: text(user.fields.tokenFile) || undefined,
    installHint: text(fieldsOf(user.fields.exec).installHint) || undefined,
  };
}

async function clientNode() {
  try {
    return await import('@kubernetes/client-node');
  } catch (cause) {
    throw new LeaseStoreError(
      'STORE_UNAUTHENTICATED',
      `Cannot load @kubernetes/client-node: ${quoted((cause as Error).message)}.`,
      {
        advice: 'Outside a pod it reads the kubeconfig: npm install @kubernetes/client-node (1.x on Node 20).',
        cause,
      },
    );
  }
}

/** Only what is in use: client-node refuses a whole file for a fault in any part of it. */
async function forClientNode(chosen: Chosen): Promise<object> {
  const { context, namespace, cluster, user } = chosen;
  const exec = fieldsOf(user.fields.exec);
  const server = addressOf(text(cluster.fields.server), hasTls(chosen));
  const plain = server.protocol === 'http:';
  return {
    'current-context': context,
    contexts: [{ name: context, context: { cluster: cluster.name, user: user.name, namespace } }],
    clusters: [
      {
        name: cluster.name,
        // There is no TLS to verify, and client-node refuses http without this word.
        cluster: { ...cluster.fields, server: server.href, ...(plain ? { 'insecure-skip-tls-verify': true } : {}) },
      },
    ],
    users: [
      {
        name: user.name,
        user: {
          ...user.fields,
          token: text(user.fields.token).trim() || undefined,
          password: isSet(user.fields.username) ? text(user.fields.password) : undefined,
          ...(isSet(user.fields.exec) ? { exec: { ...exec, env: [...listOf(exec.env), await execInfo(chosen)] } } : {}),
        },
      },
    ],
  };
}

function hasTls({ cluster, user }: Chosen): boolean {
  return (
    cluster.fields['insecure-skip-tls-verify'] === true ||
    ['certificate-authority', 'certificate-authority-data'].some((name) => isSet(cluster.fields[name])) ||
    ['client-certificate', 'client-certificate-data'].some((name) => isSet(user.fields[name]))
  );
}

/** What `kubectl` tells a plugin: plugins of several clouds give up without it. */
async function execInfo({ cluster: { fields }, user }: Chosen): Promise<{ name: string; value: string }> {
  const exec = fieldsOf(user.fields.exec);
  const info = {
    kind: 'ExecCredential',
    apiVersion: text(exec.apiVersion) || 'client.authentication.k8s.io/v1',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo === true ? { cluster: await clusterInfo(fields) } : {}),
    },
  };
  return { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) };
}

async function clusterInfo(fields: Record<string, unknown>): Promise<object> {
  const { readFile } = await import('node:fs/promises');
  const file = text(fields['certificate-authority']);
  const authority =
    file === '' ? fields['certificate-authority-data'] : await readFile(file, 'base64').catch(refuseFile(file));
  const extension = listOf(fields.extensions)
    .map(fieldsOf)
    .find(({ name }) => name === 'client.authentication.k8s.io/exec');
  return {
    server: fields.server,
    'tls-server-name': fields['tls-server-name'],
    'insecure-skip-tls-verify': fields['insecure-skip-tls-verify'],
    'certificate-authority-data': authority,
    'proxy-url': fields['proxy-url'],
    'disable-compression': fields['disable-compression'],
    config: extension?.extension,
  };
}

/** Those of KUBECONFIG that exist, as for `kubectl`; else `~/.kube/config`. */
async function readFiles(yaml: Yaml, named?: string): Promise<KubeconfigFile[]> {
  const { readFile } = await import('node:fs/promises');
  const { homedir } = await import('node:os');
  const { delimiter, dirname, resolve } = await import('node:path');
  const listed = process.env.KUBECONFIG?.split(delimiter).filter((path) => path !== '') ?? [];
  const usual = listed.length > 0 ? listed : [`${homedir()}/.kube/config`];
  const paths = named === undefined ? usual : [named];
  const files: KubeconfigFile[] = [];
  for (const path of paths) {
    const content = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' && named === undefined) return undefined;
      return refuseFile(path)(cause);
    });
    if (content !== undefined) files.push({ directory: dirname(resolve(path)), content: parsed(yaml, content, path) });
  }
  if (files.length === 0) {
    throw unusable(
      listed.length > 0
        ? `KUBECONFIG names ${listed.map((path) => quoted(path)).join(', ')}, and none of them exists`
        : 'KUBECONFIG is not set and ~/.kube/config does not exist',
    );
  }
  return files;
}

/** The parser shows the lines around an error: tokens and keys, in a log. */
function parsed(yaml: Yaml, content: string, path: string): unknown {
  if (content.trim() === '') throw unusable(`${quoted(path)} is empty`);
  let document: unknown;
  try {
    document = yaml.loadYaml(content);
  } catch (cause) {
    const { reason, mark } = cause as { reason?: unknown; mark?: { line?: number } };
    const line = typeof mark?.line === 'number' ? ` in line ${mark.line + 1}` : '';
    throw unusable(`${quoted(path)} is no YAML${line}${typeof reason === 'string' ? ` (${quoted(reason)})` : ''}`);
  }
  const { kind } = fieldsOf(document);
  if (typeof document !== 'object' || (kind !== undefined && kind !== 'Config'))
    throw unusable(`${quoted(path)} is none`);
  return document;
}

function refuseFile(path: string): (cause: Error) => never {
  return (cause) => {
    throw unusable(`${quoted(path)}: ${quoted(cause.message)}`, { cause });
  };
}

/**
 * client-node waits for a plugin forever: each one that hangs would stay, and keep the process from ending. It has no setting for
 * this; where it hides its way to start them elsewhere one day, plugins are unbounded again and nothing else breaks.
 */
async function boundPlugins(config: object): Promise<void> {
  const { spawn } = await import('node:child_process');
  const execFn = (command: string, args: readonly string[] = [], options: SpawnOptions = {}) => {
    // One that asks for a password meets the end of its input, instead of waiting for somebody to type.
    const plugin = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const pipes = [plugin.stdout, plugin.stderr] as Socket[];
    for (const held of [plugin, ...pipes]) held.unref();
    const timer = setTimeout(() => {
      plugin.emit('error', new Error(`${quoted(command)} did not answer within ${HUNG / 1000} s`));
      plugin.kill('SIGKILL');
      // What the plugin has started itself may hold their other ends.
      for (const pipe of pipes) pipe.destroy();
    }, HUNG).unref();
    return plugin.once('close', () => clearTimeout(timer));
  };
  for (const authenticator of authenticatorsOf(config)) if (authenticator.execFn) authenticator.execFn = execFn;
}

interface Authenticator {
  execFn?: unknown;
  /** Of plugins, by user; kept until the expiry that they state. */
  tokenCache?: Record<string, unknown>;
  /** Of a token file; kept for a minute. */
  token?: unknown;
  lastRead?: unknown;
  /** Of OIDC; told from the token again where it is 0. */
  currentTokenExpiration?: unknown;
}

function authenticatorsOf(config: object): readonly Authenticator[] {
  const { authenticators } = config as { authenticators?: unknown };
  return listOf(authenticators).filter((one): one is Authenticator => typeof one === 'object' && one !== null);
}

/**
 * Makes client-node forget what the API server refused, which it would hand out again for a minute or forever. It asks for fresh ones
 * at the next use; nothing else of a `KubeConfig` changes, which may be in use elsewhere in the application.
 */
export function forgetCredentials(config: object): void {
  for (const authenticator of authenticatorsOf(config)) {
    if (typeof authenticator.tokenCache === 'object' && authenticator.tokenCache !== null)
      authenticator.tokenCache = {};
    if ('lastRead' in authenticator) authenticator.token = null;
    if ('currentTokenExpiration' in authenticator) authenticator.currentTokenExpiration = 0;
  }
}
