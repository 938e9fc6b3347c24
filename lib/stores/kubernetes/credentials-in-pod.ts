import { LeaseStoreError } from '../../election/errors.js';
import type { Connection, Credentials } from './connection.js';

export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The kubelet replaces the token long before it expires; a minute late is early enough. */
const REREAD_AFTER = 60_000;

/** The pod's ServiceAccount, as the kubelet mounts it, and the API server's address from the environment. */
export class InPodCredentials implements Credentials {
  private current?: { connection: Connection; readAt: number };
  private distrusted = 0;

  constructor(
    private readonly directory = SERVICE_ACCOUNT_DIRECTORY,
    private readonly env: NodeJS.ProcessEnv = process.env,
    private readonly now = () => performance.now(),
  ) {}

  async connection(): Promise<Connection> {
    if (this.current && this.now() - this.current.readAt < REREAD_AFTER) return this.current.connection;
    const readAt = this.now();
    const { distrusted } = this;
    const [token, ca] = await Promise.all([this.file('token'), this.file('ca.crt')]);
    const connection: Connection = {
      protocol: 'https:',
      ...this.address(),
      basePath: '',
      headers: { authorization: `Bearer ${token}` },
      tls: { ca },
    };
    // Read before the refusal, it may be the very token that was refused.
    if (distrusted === this.distrusted) this.current = { connection, readAt };
    return connection;
  }

  distrust(): void {
    this.current = undefined;
    this.distrusted += 1;
  }

  namespace(): Promise<string> {
    return this.file('namespace');
  }

  /** An IPv6 address stands there without brackets, which is how sockets want it. */
  private address(): { host: string; port: number } {
    const host = this.env.KUBERNETES_SERVICE_HOST;
    const port = Number(this.env.KUBERNETES_SERVICE_PORT);
    if (!host || !(port > 0)) {
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
    const path = `${this.directory}/${name}`;
    const { readFile } = await import('node:fs/promises');
    const content = await readFile(path, 'utf8').then(
      (text) => text.trim(),
      (cause: unknown) => {
        throw unusable(path, cause);
      },
    );
    // An empty token would make every request anonymous, and the refusal would name the wrong user.
    if (content === '') throw unusable(path, new Error('it is empty'));
    return content;
  }
}

function unusable(path: string, cause: unknown): LeaseStoreError {
  return new LeaseStoreError('STORE_UNAUTHENTICATED', `Cannot use ${path}: ${(cause as Error).message}.`, {
    advice:
      'The pod needs its ServiceAccount mounted: check `automountServiceAccountToken` of the pod and of its ServiceAccount.',
    cause,
  });
}
