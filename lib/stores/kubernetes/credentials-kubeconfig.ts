import { LeaseStoreError } from '../../election/errors.js';
import type { Connection, Credentials, TlsIdentity } from './connection.js';
import { HUNG, loadKubeConfig, unusable } from './kubeconfig-file.js';

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
/** Attempts wait no longer than this for a plugin: their deadline would pass, and the blame would fall on the API server. */
const SLOW = 5_000;

interface Pending {
  readonly answer: Promise<Connection>;
  readonly begunAt: number;
  /** The same by the wall clock, for people. */
  readonly since: string;
}

/** What `kubectl` would use: a `KubeConfig`, a file, or the default one, with its exec, OIDC and proxy settings. */
export class KubeconfigCredentials implements Credentials {
  private config?: Promise<KubeConfigLike>;
  private current?: { connection: Connection; madeAt: number };
  private pending?: Pending;
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
    signal.throwIfAborted();
    if (this.current && this.now() - this.current.madeAt < REUSE_FOR) return this.current.connection;
    // One at a time, also across attempts: a plugin that hangs would otherwise be started again by each.
    if (!this.pending || this.now() - this.pending.begunAt >= HUNG) this.pending = this.begin();
    const { answer, begunAt, since } = this.pending;
    if (this.now() - begunAt >= SLOW) throw unanswered(since);
    return within(signal, answer);
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

  private begin(): Pending {
    const { distrusted } = this;
    const begunAt = this.now();
    const made = this.make().then((connection) => {
      // Begun before the refusal, it may hold the very token that was refused; given up as hung, it is older than what came after.
      if (distrusted === this.distrusted && this.pending === pending) this.current = { connection, madeAt: begunAt };
      return connection;
    });
    const answer = made.finally(() => {
      if (this.pending === pending) this.pending = undefined;
    });
    const pending = { answer, begunAt, since: new Date().toISOString() };
    return pending;
  }

  private async make(): Promise<Connection> {
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
    return toConnection(new URL(cluster.server), filled, Boolean(cluster.proxyUrl));
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

function unanswered(since: string): LeaseStoreError {
  return new LeaseStoreError(
    'STORE_UNAUTHENTICATED',
    `The credentials plugin of the kubeconfig has not answered since ${since}.`,
    {
      advice: `Run it by hand: it hangs, or what it asks does not answer. It is started again after ${HUNG / 1000} s.`,
    },
  );
}

function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
