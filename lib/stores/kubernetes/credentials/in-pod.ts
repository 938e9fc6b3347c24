import { readFileSync } from 'node:fs';
import { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import type { Connection, Credentials, PodIdentity } from '../api/connection.js';
import { parseJson } from '../api/status.js';
import { CredentialsCache } from './credentials-cache.js';
import { readableCertificates } from './pem.js';

export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/** As the API server has signed it into a projected token. */
function podOf(token: string): PodIdentity | null {
  const payload = token.split('.')[1] ?? '';
  const claims = parseJson(Buffer.from(payload, 'base64url').toString()) as TokenClaims | undefined;
  const { namespace, pod } = claims?.['kubernetes.io'] ?? {};
  const isWhole = [namespace, pod?.name, pod?.uid].every((text) => typeof text === 'string' && text !== '');
  return isWhole ? { name: pod!.name as string, uid: pod!.uid as string, namespace: namespace as string } : null;
}

interface TokenClaims {
  readonly 'kubernetes.io'?: {
    readonly namespace?: unknown;
    readonly pod?: { readonly name?: unknown; readonly uid?: unknown };
  };
}

/** The kubelet replaces the token long before it expires; a minute late is early enough. */
const REREAD_AFTER = 60_000;
const RETRY_AFTER = 1_000;

/** The pod's ServiceAccount, as the kubelet mounts it, and the API server's address from the environment. */
export class InPodCredentials implements Credentials {
  private readonly cache: CredentialsCache;

  constructor(
    private readonly directory = SERVICE_ACCOUNT_DIRECTORY,
    private readonly env: NodeJS.ProcessEnv = process.env,
    now = () => performance.now(),
  ) {
    const source = { make: () => this.read(), reuseFor: REREAD_AFTER, retryAfter: RETRY_AFTER, hung: REREAD_AFTER };
    this.cache = new CredentialsCache(source, now);
  }

  connection(signal: AbortSignal): Promise<Connection> {
    return this.cache.connection(signal);
  }

  trust(connection: Connection): void {
    this.cache.trust(connection);
  }

  distrust(connection: Connection, isSure: boolean): void {
    this.cache.distrust(connection, isSure);
  }

  namespace(): Promise<string> {
    return this.file('namespace');
  }

  /** By the claims of the projected token: under `hostNetwork` the host name is that of the node. */
  async pod(): Promise<PodIdentity | null> {
    return podOf(await this.token());
  }

  get podName(): string | undefined {
    try {
      return podOf(readFileSync(`${this.directory}/token`, 'utf8'))?.name;
    } catch {
      // The first request tells what is wrong with the token; here it only costs a readable name.
      return undefined;
    }
  }

  private async read(): Promise<Connection> {
    const [token, ca] = await Promise.all([this.token(), this.authority()]);
    return {
      protocol: 'https:',
      ...this.address(),
      basePath: '',
      headers: { authorization: `Bearer ${token}` },
      tls: { ca },
    };
  }

  /** A node that crashed while it wrote leaves NULs. */
  private async token(): Promise<string> {
    const token = await this.file('token');
    if (!/^[\x21-\x7e]+$/.test(token)) throw this.unusable('token', new Error('it holds characters that no token has'));
    return token;
  }

  private async authority(): Promise<string> {
    const ca = await readableCertificates(await this.file('ca.crt'));
    if (ca === undefined) throw this.unusable('ca.crt', new Error('it holds no certificate that can be read'));
    return ca;
  }

  /** An IPv6 address stands there without brackets, which is how sockets want it. */
  private address(): { host: string; port: number } {
    const host = this.env.KUBERNETES_SERVICE_HOST;
    const port = Number(this.env.KUBERNETES_SERVICE_PORT);
    if (!host || !(port > 0 && port < 65_536)) {
      throw new LeaseStoreError(
        'STORE_FAILED',
        'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not name the API server.',
        {
          advice: 'Kubernetes sets both in every container: let the process inherit them, or pass `kubeConfig`.',
        },
      );
    }
    return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
  }

  private async file(name: string): Promise<string> {
    const { readFile } = await import('node:fs/promises');
    const content = await readFile(`${this.directory}/${name}`, 'utf8').then(
      (text) => text.trim(),
      (cause: unknown) => {
        throw this.unusable(name, cause);
      },
    );
    // An empty token would make every request anonymous, and the refusal would name the wrong user.
    if (content === '') throw this.unusable(name, new Error('it is empty'));
    return content;
  }

  private unusable(name: string, cause: unknown): LeaseStoreError {
    return new LeaseStoreError(
      'STORE_UNAUTHENTICATED',
      `Cannot use ${this.directory}/${name}: ${quoted((cause as Error).message)}.`,
      {
        advice:
          'The pod needs its ServiceAccount mounted: check `automountServiceAccountToken` of the pod and of its ServiceAccount.',
        cause,
      },
    );
  }
}
