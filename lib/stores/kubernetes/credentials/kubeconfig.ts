import { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import type { Connection, Credentials, TlsIdentity } from '../api/connection.js';
import { CredentialsCache } from './credentials-cache.js';
import { addressOf, unusable } from './kubeconfig-document.js';
import { forgetCredentials, HUNG, loadKubeConfig, type LoadedKubeConfig } from './kubeconfig-file.js';
import type { KubeConfigLike } from '../options.js';
import { readableCertificates } from './pem.js';

/** What `applyToHTTPSOptions` fills in. */
interface Filled extends TlsIdentity {
  headers?: Record<string, string | readonly string[]>;
  auth?: string;
  agent?: Connection['proxy'];
}

/** Plugins run a program or call an identity provider: not for every write. A rotated token shows as 401 and is asked for at once. */
const REUSE_FOR = 30_000;
const RETRY_AFTER = 5_000;
/** Attempts wait no longer than this for a plugin: their deadline would pass, and the blame would fall on the API server. */
const SLOW = 5_000;

/** What `kubectl` would use: a `KubeConfig`, a file, or the default one, with its exec, OIDC and proxy settings. */
export class KubeconfigCredentials implements Credentials {
  private loaded?: Promise<LoadedKubeConfig>;
  private readonly cache: CredentialsCache;

  constructor(
    private readonly source?: KubeConfigLike | string,
    private readonly now = () => performance.now(),
  ) {
    this.cache = new CredentialsCache(
      {
        make: () => this.make(),
        forget: () => this.forget(),
        reuseFor: REUSE_FOR,
        retryAfter: RETRY_AFTER,
        failurePause: RETRY_AFTER,
        hung: HUNG,
        unanswered: (begunAt, since) => (this.now() - begunAt >= SLOW ? unanswered(since) : undefined),
      },
      now,
    );
  }

  prepare(): void {
    void this.load().catch(() => {
      // The first request tries again, and says what is wrong.
    });
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

  async namespace(): Promise<string> {
    const { config } = await this.load();
    return config.getContextObject(config.getCurrentContext())?.namespace || 'default';
  }

  /** A file is read again; a `KubeConfig` of the application is left as it is, but for what it remembers of plugins and files. */
  private forget(): void {
    if (typeof this.source === 'object') forgetCredentials(this.source);
    else this.loaded = undefined;
  }

  private async make(): Promise<Connection> {
    const loaded = await this.load();
    const { config, installHint } = loaded;
    const cluster = config.getCurrentCluster();
    if (!cluster || typeof cluster.server !== 'string')
      throw unusable(`its context "${quoted(config.getCurrentContext())}" names no cluster`);

    const filled: Filled = {};
    await config.applyToHTTPSOptions(filled).catch((cause: unknown) => {
      throw noCredentials(cluster.server, cause, usesPlugin(config), installHint);
    });
    // Only a `KubeConfig` of the application comes without a scheme: files are completed as they are read.
    const address = addressOf(cluster.server, Boolean(filled.ca || filled.cert || filled.rejectUnauthorized === false));
    return toConnection(address, await whole(filled, loaded), Boolean(cluster.proxyUrl));
  }

  private load(): Promise<LoadedKubeConfig> {
    const loaded = (this.loaded ??= loadKubeConfig(this.source).catch((error: unknown) => {
      if (this.loaded === loaded) this.loaded = undefined;
      throw error;
    }));
    return loaded;
  }
}

/** Completed by what client-node does not read, and refused where it could not be used. */
async function whole(filled: Filled, { config, headers, tokenFile }: LoadedKubeConfig): Promise<Filled> {
  const { cert, key } = filled;
  const ca = filled.ca === undefined ? undefined : await readableCertificates(filled.ca);
  if (filled.ca !== undefined && ca === undefined)
    throw unusable('its certificate authority holds no certificate that can be read');

  if (cert !== undefined || key !== undefined) {
    const { createSecureContext } = await import('node:tls');
    try {
      createSecureContext({ cert, key });
    } catch (cause) {
      throw unusable(`its client certificate and key: ${quoted((cause as Error).message)}`, { cause });
    }
  }
  const all: Record<string, string | readonly string[]> = { ...filled.headers, ...headers };
  if (tokenFile !== undefined) all.Authorization = await tokenIn(tokenFile, filled.headers?.Authorization);
  if (isAnonymous({ ...filled, headers: all }) && usesPlugin(config))
    throw unusable('its plugin gave neither a token nor a certificate');

  for (const [name, value] of Object.entries(all)) {
    if (![value].flat().every((line) => /^[\t\x20-\x7e\x80-\xff]*$/.test(line)))
      throw unusable(`its ${name === 'Authorization' ? 'token' : quoted(name)} holds characters that cannot be sent`);
  }
  return { ...filled, ca, headers: all };
}

/** `kubectl` reads it again and again, and takes it before the token that stands in the file itself. */
async function tokenIn(
  file: string,
  otherwise: string | readonly string[] | undefined,
): Promise<string | readonly string[]> {
  const { readFile } = await import('node:fs/promises');
  const token = await readFile(file, 'utf8').then(
    (content) => content.trim(),
    (cause: Error) => cause,
  );
  if (typeof token === 'string' && token !== '') return `Bearer ${token}`;
  if (otherwise !== undefined) return otherwise;
  throw unusable(`${quoted(file)}: ${token === '' ? 'it is empty' : quoted((token as Error).message)}`);
}

const isAnonymous = ({ headers = {}, cert, auth }: Filled) =>
  cert === undefined &&
  auth === undefined &&
  !Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');

function usesPlugin(config: KubeConfigLike): boolean {
  const user = (config as { getCurrentUser?(): { exec?: unknown; authProvider?: unknown } | null }).getCurrentUser?.();
  return Boolean(user?.exec ?? user?.authProvider);
}

/** Its agent is dropped: it is a new one every time, so no connection would be kept. Unless it leads through a proxy. */
function toConnection(server: URL, filled: Filled, proxied: boolean): Connection {
  const { ca, cert, key, servername, rejectUnauthorized, headers, auth } = filled;
  const basic = auth === undefined ? undefined : { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
  const protocol = server.protocol === 'http:' ? 'http:' : 'https:';
  return {
    protocol,
    host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(server.port) || (protocol === 'http:' ? 80 : 443),
    basePath: server.pathname.replace(/\/+$/, ''),
    headers: { ...headers, ...basic },
    tls: { ca, cert, key, servername, rejectUnauthorized },
    proxy: proxied ? filled.agent : undefined,
  };
}

/** What a plugin says on its way out is its own; the parser of its answer would show a piece of it, which may be the token. */
function noCredentials(
  server: string,
  cause: unknown,
  fromPlugin: boolean,
  installHint: string | undefined,
): LeaseStoreError {
  const where = `no credentials for ${quoted(server)}`;
  if (fromPlugin && (cause instanceof SyntaxError || cause instanceof TypeError))
    return unusable(`${where}: the plugin answered with something else than an ExecCredential`);

  const { message, code } = cause as NodeJS.ErrnoException;
  const said = String(message ?? cause).trim();
  return unusable(`${where}: ${said === '' ? 'the plugin failed without a word' : quoted(said, 500)}`, {
    cause,
    advice: code === 'ENOENT' && installHint !== undefined ? quoted(installHint, 500) : undefined,
  });
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
