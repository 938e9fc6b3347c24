import { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';

type Fields = Record<string, unknown>;

/** What one context of a kubeconfig chooses, under the names of the file. */
export interface Chosen {
  readonly context: string;
  readonly namespace: string;
  readonly cluster: { readonly name: string; readonly fields: Fields };
  readonly user: { readonly name: string; readonly fields: Fields };
}

export interface KubeconfigFile {
  readonly directory: string;
  readonly content: unknown;
}

const KINDS = ['clusters', 'contexts', 'users'] as const;

/**
 * The current context of one or several files as `kubectl` reads them: the first file that names something wins, relative paths are
 * those of their file, and what contradicts itself is refused. Entries that are not in use may be as broken as they like.
 */
export function chooseContext(
  files: readonly KubeconfigFile[],
  absolute: (directory: string, path: string) => string,
): Chosen {
  const entries = {
    clusters: new Map<string, Fields>(),
    contexts: new Map<string, Fields>(),
    users: new Map<string, Fields>(),
  };
  let current = '';
  for (const { directory, content } of files) {
    const document = fieldsOf(content);
    current ||= text(document['current-context']);
    for (const kind of KINDS) {
      for (const entry of listOf(document[kind]).map(fieldsOf)) {
        const name = text(entry.name);
        if (entries[kind].has(name)) continue;
        entries[kind].set(
          name,
          withAbsolutePaths(fieldsOf(entry[kind.slice(0, -1)]), (path) => absolute(directory, path)),
        );
      }
    }
  }
  if (current === '') {
    const names = [...entries.contexts.keys()].map((name) => quoted(name, 60));
    throw unusable('it names no current-context', {
      advice:
        names.length > 0
          ? `Choose one: kubectl config use-context <name>. It has: ${names.slice(0, 10).join(', ')}.`
          : 'It has no context either: pass the path of another file as `kubeConfig`.',
    });
  }
  const context = entries.contexts.get(current);
  if (!context) throw unusable(`its current-context "${quoted(current)}" does not exist`);
  const named = (kind: 'cluster' | 'user') => {
    const name = text(context[kind]);
    if (name === '') throw unusable(`its context "${quoted(current)}" names no ${kind}`);
    const fields = entries[`${kind}s`].get(name);
    if (!fields)
      throw unusable(`its context "${quoted(current)}" names the ${kind} "${quoted(name)}", which does not exist`);
    return { name, fields };
  };
  const chosen = {
    context: current,
    namespace: text(context.namespace) || 'default',
    cluster: named('cluster'),
    user: named('user'),
  };
  refuseContradictions(chosen);
  return chosen;
}

/** As `kubectl` does; to choose silently would be to use what its owner did not mean. */
function refuseContradictions({ cluster, user }: Chosen): void {
  const has = (fields: Fields, ...names: string[]) => names.some((name) => isSet(fields[name]));
  const both = (fields: Fields, field: string) => has(fields, field) && has(fields, `${field}-data`);
  const refuse = (what: string) => {
    throw unusable(what, { advice: 'kubectl refuses it as well: keep one of them.' });
  };
  const { name, fields } = cluster;
  if (!isSet(fields.server)) throw unusable(`its cluster "${quoted(name)}" names no server`);
  if (both(fields, 'certificate-authority'))
    refuse(`its cluster "${quoted(name)}" has certificate-authority and certificate-authority-data`);

  if (fields['insecure-skip-tls-verify'] === true && has(fields, 'certificate-authority', 'certificate-authority-data'))
    refuse(`its cluster "${quoted(name)}" has a certificate authority and insecure-skip-tls-verify`);

  const proxy = text(fields['proxy-url']);
  if (proxy !== '' && !(URL.canParse(proxy) && /^(https?|socks5):$/.test(new URL(proxy).protocol))) {
    throw unusable(
      `the proxy-url of its cluster "${quoted(name)}" begins with none of http://, https:// and socks5://`,
    );
  }
  const who = `its user "${quoted(user.name)}"`;
  for (const field of ['client-certificate', 'client-key'])
    if (both(user.fields, field)) refuse(`${who} has ${field} and ${field}-data`);

  if (
    has(user.fields, 'client-certificate', 'client-certificate-data') !==
      has(user.fields, 'client-key', 'client-key-data') &&
    !has(user.fields, 'exec')
  )
    throw unusable(`${who} has only one of client certificate and client key`);

  if (has(user.fields, 'token', 'tokenFile') && has(user.fields, 'username', 'password'))
    refuse(`${who} has a token and a user name or password`);

  if (has(user.fields, 'exec') && has(user.fields, 'auth-provider')) refuse(`${who} has exec and auth-provider`);
  const exec = fieldsOf(user.fields.exec);
  if (isSet(user.fields.exec) && text(exec.command) === '') throw unusable(`the exec plugin of ${who} has no command`);
  if (exec.interactiveMode === 'Always') {
    throw unusable(
      `the exec plugin of ${who} has interactiveMode Always: it asks a person, and here is nobody to answer`,
    );
  }
  if (has(user.fields, 'as-uid', 'as-groups', 'as-user-extra') && !has(user.fields, 'as')) {
    throw unusable(`${who} has as-uid, as-groups or as-user-extra without as`, {
      advice: 'kubectl refuses it as well: name the user to act as, or leave them out.',
    });
  }
}

const PATHS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'];

function withAbsolutePaths(fields: Fields, absolute: (path: string) => string): Fields {
  const paths = PATHS.filter((name) => text(fields[name]) !== '').map((name) => [name, absolute(text(fields[name]))]);
  const exec = fieldsOf(fields.exec);
  const command = text(exec.command);
  // A bare name is looked up in PATH.
  const resolved = /[/\\]/.test(command) ? { exec: { ...exec, command: absolute(command) } } : {};
  return { ...fields, ...Object.fromEntries(paths), ...resolved };
}

/** The headers with which the API server lets one act as another. client-node knows the first alone. */
export function impersonation(user: Fields): Record<string, string | string[]> {
  if (!isSet(user.as)) return {};
  const extra = Object.entries(fieldsOf(user['as-user-extra']));
  return {
    'Impersonate-User': onWire(user.as),
    ...(isSet(user['as-uid']) ? { 'Impersonate-Uid': onWire(user['as-uid']) } : {}),
    ...(isSet(user['as-groups']) ? { 'Impersonate-Group': listOf(user['as-groups']).map(onWire) } : {}),
    ...Object.fromEntries(
      extra.map(([key, values]) => [`Impersonate-Extra-${headerKey(key)}`, listOf(values).map(onWire)]),
    ),
  };
}

/** Header values are bytes to Go and Latin-1 to Node. */
const onWire = (value: unknown) => Buffer.from(text(value), 'utf8').toString('latin1');

const headerKey = (key: string) =>
  [...Buffer.from(key, 'utf8')]
    .map((byte) => (/[\w!#$&'*+.^`|~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : percent(byte)))
    .join('');

const percent = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * The address of an API server. Without a scheme it is https where TLS is configured, as for `kubectl`, which otherwise takes http: that
 * would show a token to everybody on the way, so it has to be spelled out here.
 */
export function addressOf(server: string, hasTls: boolean): URL {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(server);
  const whole = hasScheme ? server : `https://${server}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  const refuse = (why: string) => unusable(`the server "${quoted(server)}" ${why}`);
  if (!url || url.hostname === '') throw refuse('is no address');
  if (!hasScheme && !hasTls)
    throw unusable(`the server "${quoted(server)}" has no scheme`, { advice: `Write https://${quoted(server)}.` });

  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('is neither https nor http');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw unusable('the address of the server has more than host, port and path', {
      advice: 'A user or a token belongs to the `users` of the kubeconfig.',
    });
  }
  return url;
}

export function unusable(
  detail: string,
  { advice, cause }: { advice?: string; cause?: unknown } = {},
): LeaseStoreError {
  return new LeaseStoreError('STORE_UNAUTHENTICATED', `Cannot use the kubeconfig: ${detail}.`, {
    advice: advice ?? 'Check that `kubectl get leases` works with the same KUBECONFIG, or pass `kubeConfig`.',
    cause,
  });
}

export const isSet = (value: unknown) => value !== undefined && value !== null && value !== '';

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** YAML makes numbers and booleans of what looks like them: a token of digits, a namespace called `true`. */
export function text(value: unknown): string {
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
}
