import { LeaseStoreError } from '../../election/errors.js';
import { roleRules, type Right } from './rbac.js';
import type { Answer } from './transport.js';

/** The `Status` object with which the API server says no. Other parties on the way (proxies, load balancers) send none. */
export interface ApiStatus {
  readonly kind: 'Status';
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly kind?: string; readonly causes?: readonly { readonly reason?: string }[] };
}

export function statusOf(answer: Answer): ApiStatus | null {
  const body = parseJson(answer.body) as ApiStatus | undefined;
  return body?.kind === 'Status' ? body : null;
}

/** `undefined` for what is not JSON (JSON itself has no undefined). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller refuses it with the answer at hand; the parser's complaint about its first character helps nobody.
    return undefined;
  }
}

/** The lease in question and the right that the request needed. */
export interface Attempted extends Right {
  readonly namespace: string;
}

/** What an unwelcome answer means and what to do about it. */
export function answerError(answer: Answer, attempted: Attempted): LeaseStoreError {
  const status = statusOf(answer);
  const said = `${attempted.verb} ${attempted.resource} in namespace "${attempted.namespace}": HTTP ${answer.status}, ${sentence(status?.message ?? excerpt(answer.body))}`;
  const retryAfter = retryAfterOf(answer);
  if (missingNamespace(status)) {
    return new LeaseStoreError('STORE_NOT_FOUND', said, {
      advice: `Create the namespace "${attempted.namespace}" or name another one in the election's \`namespace\` option.`,
    });
  }
  switch (answer.status) {
    case 401:
      return new LeaseStoreError('STORE_UNAUTHENTICATED', said, {
        advice:
          'The API server does not accept the credentials: check the ServiceAccount token or the user of the kubeconfig.',
      });
    case 403:
      return new LeaseStoreError('STORE_FORBIDDEN', said, { advice: forbiddenAdvice(status, attempted), retryAfter });
    case 404:
      return new LeaseStoreError('STORE_NOT_FOUND', said, {
        advice: 'The server has no such path: check that the address is that of a Kubernetes API server.',
      });
    default:
      return new LeaseStoreError('STORE_FAILED', said, { advice: otherAdvice(answer.status), retryAfter });
  }
}

/** A 2xx whose body is not what was asked for. */
export function badAnswerError(answer: Answer, attempted: Attempted): LeaseStoreError {
  return new LeaseStoreError(
    'STORE_BAD_DATA',
    `${attempted.verb} ${attempted.resource} in namespace "${attempted.namespace}": HTTP ${answer.status} with something else than asked for: ${excerpt(answer.body)}.`,
    {
      advice:
        'Something between here and the API server answers in its place (a proxy, a login page), or changes what it says.',
    },
  );
}

/** `Retry-After` in milliseconds; seconds or a date on the wire. */
export function retryAfterOf(answer: Answer): number | undefined {
  const header = answer.headers['retry-after'];
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return ms >= 0 ? ms : undefined;
}

export function missingNamespace(status: ApiStatus | null): boolean {
  return status?.code === 404 && status.details?.kind === 'namespaces';
}

function forbiddenAdvice(status: ApiStatus | null, attempted: Attempted): string {
  if (status?.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) {
    return `The namespace "${attempted.namespace}" is being deleted: nothing can be created in it any more.`;
  }
  // Quotas and admission plugins answer 403 as well, and no rule would help against those.
  if (status?.message?.includes('cannot') === false)
    return 'Not a matter of RBAC: an admission plugin or a quota refuses it.';
  return `Add to a Role in namespace "${attempted.namespace}" that is bound to this user:\n${roleRules([attempted])}`;
}

function otherAdvice(status: number): string {
  if (status === 429) return 'The API server asks to be left alone for a while; it is retried by itself.';
  if (status >= 500) return 'The API server or etcd behind it is in trouble; it is retried by itself.';
  if (status >= 300 && status < 400)
    return 'Redirects are not followed: credentials would go along. Name the final address.';
  return 'The API server refuses the request: see its message.';
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

const excerpt = (body: string) => JSON.stringify(body.length > 200 ? `${body.slice(0, 200)}…` : body);
