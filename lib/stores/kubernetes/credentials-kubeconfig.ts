import { LeaseStoreError } from '../../election/errors.js';
import type { Connection, Credentials, TlsIdentity } from './connection.js';

/** The parts of `KubeConfig` of `@kubernetes/client-node` in use, spelled out so that its types are no dependency of ours. */
export interface KubeConfigLike {
  getCurrentContext(): string;
  getContextObject(name: string): { readonly namespace?: string } | null;
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string } | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- its parameter is node's RequestOptions, of which it fills in some.
  applyToHTTPSOptions(options: any): Promise<void>;
}

/** What `applyToHTTPSOptions` fills in. */
interface Filled extends TlsIdentity {
  headers?: Record<string, string>;
  auth?: string;
  agent?: Connection['proxy'];
}

/** Plugins run a program or call an identity provider: not for every write. A rotated token shows as 401 and is asked for at once. */
const REUSE_FOR = 30_000;

/** What `kubectl` would use: a `KubeConfig`, a file, or the default one, with its exec, OIDC and proxy settings. */
export class KubeconfigCredentials implements Credentials {
  private config?: Promise<KubeConfigLike>;
  private current?: { connection: Connection; madeAt: number };
  private pending?: Promise<Connection>;
  private distrusted = 0;

  constructor(
    private readonly source?: KubeConfigLike | string,
    private readonly now = () => performance.now(),
  ) {}

  prepare(): void {
    void this.load().catch(() => {
      // The first request tries again, and says what is wrong.
    });
  }

  async connection(signal: AbortSignal): Promise<Connection> {
    if (this.current && this.now() - this.current.madeAt < REUSE_FOR) return this.current.connection;
    // One at a time, also across attempts: a plugin that hangs would otherwise be started again by each.
    this.pending ??= this.make().finally(() => (this.pending = undefined));
    return within(signal, this.pending);
  }

  /** A file is read again, which also forgets the tokens that client-node keeps from plugins. */
  distrust(): void {
    this.current = undefined;
    this.distrusted += 1;
    if (typeof this.source !== 'object') this.config = undefined;
  }

  async namespace(): Promise<string> {
    const config = await this.load();
    return config.getContextObject(config.getCurrentContext())?.namespace || 'default';
  }

  private async make(): Promise<Connection> {
    const madeAt = this.now();
    const { distrusted } = this;
    const config = await this.load();
    const cluster = config.getCurrentCluster();
    if (!cluster || !URL.canParse(cluster.server)) {
      throw unusable(`its context "${config.getCurrentContext()}" names no cluster with a valid address`);
    }
    const filled: Filled = {};
    await config.applyToHTTPSOptions(filled).catch((cause: unknown) => {
      throw unusable(
        `no credentials for ${cluster.server}: ${String((cause as Error)?.message ?? cause).trim()}`,
        cause,
      );
    });
    const connection = toConnection(new URL(cluster.server), filled, Boolean(cluster.proxyUrl));
    // Begun before the refusal, it may hold the very token that was refused.
    if (distrusted === this.distrusted) this.current = { connection, madeAt };
    return connection;
  }

  private load(): Promise<KubeConfigLike> {
    this.config ??= loadKubeConfig(this.source).catch((error: unknown) => {
      this.config = undefined;
      throw error;
    });
    return this.config;
  }
}

/** Its agent is dropped: it is a new one every time, so no connection would be kept. Unless it leads through a proxy. */
function toConnection(server: URL, filled: Filled, proxied: boolean): Connection {
  const { ca, cert, key, servername, rejectUnauthorized, headers, auth } = filled;
  const basic = auth === undefined ? undefined : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
  const protocol = server.protocol === 'http:' ? 'http:' : 'https:';
  return {
    protocol,
    host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(server.port) || (protocol === 'http:' ? 80 : 443),
    basePath: server.pathname.replace(/\/$/, ''),
    headers: { ...headers, ...basic },
    tls: { ca, cert, key, servername, rejectUnauthorized },
    proxy: proxied ? filled.agent : undefined,
  };
}

async function loadKubeConfig(source?: KubeConfigLike | string): Promise<KubeConfigLike> {
  if (typeof source === 'object') return source;
  const { KubeConfig } = await import('@kubernetes/client-node').catch((cause: unknown) => {
    throw new LeaseStoreError(
      'STORE_UNAUTHENTICATED',
      `Cannot load @kubernetes/client-node: ${(cause as Error).message}.`,
      {
        advice: 'Outside a pod it reads the kubeconfig: npm install @kubernetes/client-node (1.x on Node 20).',
        cause,
      },
    );
  });
  const config = new KubeConfig();
  try {
    if (source === undefined) await loadDefault(config);
    else config.loadFromFile(source);
  } catch (cause) {
    throw cause instanceof LeaseStoreError ? cause : unusable((cause as Error).message, cause);
  }
  return config;
}

/** Left to itself client-node would settle for http://localhost:8080 where there is no file. */
async function loadDefault(config: { loadFromDefault(): void }): Promise<void> {
  const { existsSync } = await import('node:fs');
  const { homedir } = await import('node:os');
  if (!process.env.KUBECONFIG && !existsSync(`${homedir()}/.kube/config`)) {
    throw unusable('KUBECONFIG is not set and ~/.kube/config does not exist');
  }
  config.loadFromDefault();
}

function unusable(detail: string, cause?: unknown): LeaseStoreError {
  return new LeaseStoreError('STORE_UNAUTHENTICATED', `Cannot use the kubeconfig: ${detail}.`, {
    advice: 'Check that `kubectl get leases` works with the same KUBECONFIG, or pass `kubeConfig`.',
    cause,
  });
}

function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
