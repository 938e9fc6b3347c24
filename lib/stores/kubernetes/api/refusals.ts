import type { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import { roleRules, type Right } from './rbac.js';
import { missingNamespace, type ApiStatus } from './status.js';
import type { Answer } from './transport.js';

export const RETRIED = 'It is retried by itself.';

/** The right that a request needed, and where. */
export interface Attempted extends Right {
  readonly namespace: string;
  /** Nobody repeats it. */
  readonly once?: boolean;
}

/** Who said no, and what helps against it. */
export interface Refusal {
  readonly code: Extract<LeaseStoreError['code'], `STORE_${string}`>;
  /** Begins a sentence. */
  readonly who: string;
  readonly advice: string;
  /** Every other request would have met the same. */
  readonly isForAll?: boolean;
}

/**
 * Many stand between a request and etcd, and each says no in its own words. To send people to their Roles for the refusal of a webhook
 * costs them an hour.
 */
export function refusalOf(answer: Answer, status: ApiStatus | null, attempted: Attempted): Refusal {
  const refusal = status === null ? ofTheWay(answer) : ofTheServer(answer.status, status, attempted);
  const heals = !attempted.once && (answer.status === 429 || answer.status >= 500);
  return heals ? { ...refusal, advice: `${refusal.advice} ${RETRIED}` } : refusal;
}

const SERVER = 'The API server';
const ETCD = /\betcdserver: |\betcd\b/;

function ofTheServer(code: number, status: ApiStatus, attempted: Attempted): Refusal {
  const message = typeof status.message === 'string' ? status.message.slice(0, 4_000) : '';
  const byAdmission = ofAdmission(message, attempted);
  if (byAdmission) return byAdmission;
  if (missingNamespace(status)) {
    const namespace = quoted(attempted.namespace);
    const advice = `Create the namespace "${namespace}" or name another one in the election's \`namespace\` option.`;
    return { code: 'STORE_NOT_FOUND', who: SERVER, advice };
  }
  switch (code) {
    case 401:
      return {
        code: 'STORE_UNAUTHENTICATED',
        who: SERVER,
        advice: 'It does not accept the credentials: check the ServiceAccount token or the user of the kubeconfig.',
        isForAll: true,
      };
    case 403:
      return ofAuthorization(status, message, attempted);
    case 404:
      return { code: 'STORE_NOT_FOUND', who: SERVER, advice: WRONG_PATH };
    case 429:
      return { code: 'STORE_FAILED', who: SERVER, advice: 'It asks to be left alone for a while.', isForAll: true };
  }
  if (code >= 500) {
    const who = ETCD.test(message) ? 'etcd, behind the API server,' : SERVER;
    const advice = ETCD.test(message)
      ? 'etcd is in trouble: look at its disks and members.'
      : 'It is in trouble: see its log.';
    return { code: 'STORE_FAILED', who, advice, isForAll: true };
  }
  return { code: 'STORE_FAILED', who: SERVER, advice: 'See its message.' };
}

const WRONG_PATH = 'The server has no such path: check that the address is that of a Kubernetes API server.';

/** Those who are asked after RBAC has agreed. They answer with any status, and a denial is one whatever it is. */
function ofAdmission(message: string, { resource, verb, namespace }: Attempted): Refusal | undefined {
  const allow = `No Role helps: it has to allow "${verb}" on ${resource} in namespace "${quoted(namespace)}", or to leave that namespace out.`;
  const denier = /admission webhook "([^"]*)" denied the request/.exec(message)?.[1];
  if (denier !== undefined)
    return { code: 'STORE_FORBIDDEN', who: `The admission webhook "${quoted(denier)}"`, advice: allow };
  const silent = /failed calling webhook "([^"]*)"/.exec(message)?.[1];
  if (silent !== undefined) {
    return {
      code: 'STORE_FAILED',
      who: `The API server, for want of an answer of the admission webhook "${quoted(silent)}",`,
      advice: 'The webhook is down or cannot be reached: look at its Service and Pods.',
    };
  }
  const [, kind, policy] = /((?:Validating|Mutating)AdmissionPolicy) '([^']*)'/.exec(message) ?? [];
  if (kind !== undefined) return { code: 'STORE_FORBIDDEN', who: `The ${kind} "${quoted(policy)}"`, advice: allow };
  const quota = /(?:exceeded|failed) quota: ([^,:]*)/.exec(message)?.[1];
  if (quota !== undefined) {
    return {
      code: 'STORE_FORBIDDEN',
      who: `The ResourceQuota "${quoted(quota)}"`,
      advice: `Raise it, or delete ${resource} that nobody needs: see its message.`,
    };
  }
  return undefined;
}

/** What the authorizers say, with the reason of the one that is not RBAC at its end. */
const NOT_ALLOWED =
  /^[^]*?(?:User "([^"]*)" )?cannot \w+ (?:resource|path) "[^"]*"(?: in API group "[^"]*")?(?: in the namespace "[^"]*"| at the cluster scope)?(?:: ([^]*))?$/;

function ofAuthorization(status: ApiStatus, message: string, attempted: Attempted): Refusal {
  const namespace = quoted(attempted.namespace);
  if (status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) {
    const advice = `The namespace "${namespace}" is being deleted: nothing can be created in it any more.`;
    return { code: 'STORE_FORBIDDEN', who: SERVER, advice };
  }
  const [isNotAllowed, user, reason = ''] = NOT_ALLOWED.exec(message) ?? [];
  if (isNotAllowed === undefined) {
    const advice = 'No Role helps: it is not RBAC that refuses. See its message.';
    return { code: 'STORE_FORBIDDEN', who: 'An admission plugin of the API server', advice };
  }
  if (user === 'system:anonymous') {
    return {
      code: 'STORE_UNAUTHENTICATED',
      who: SERVER,
      advice:
        'The request came without credentials (system:anonymous): the user of the kubeconfig has none, or a proxy on the way drops them. Give nobody rights to that user.',
    };
  }
  if (/\bwarden\b|managed-namespaces|autopilot/i.test(reason)) {
    return {
      code: 'STORE_FORBIDDEN',
      who: "The cloud provider's warden",
      advice: `No Role helps: the provider keeps namespace "${namespace}" for itself. Name another one in the election's \`namespace\` option.`,
    };
  }
  if (reason !== '' && !reason.startsWith('RBAC:')) {
    return {
      code: 'STORE_FORBIDDEN',
      who: 'An authorizer beside RBAC',
      advice:
        'A Role alone may not help: its reason stands at the end of the message, and it has roles or rules of its own.',
    };
  }
  return {
    code: 'STORE_FORBIDDEN',
    who: 'RBAC',
    advice: `Add to a Role in namespace "${namespace}" that is bound to this user:\n${roleRules([attempted])}`,
  };
}

/** No `Status`: the API server gives it with nearly every refusal. */
function ofTheWay({ status, headers, body }: Answer): Refusal {
  const isForAll = true;
  const between = 'Something before the API server (a proxy, a load balancer, a firewall)';
  const isPage = /html/i.test(headers['content-type'] ?? '') || /^\s*</.test(body);
  if (status === 429)
    return { code: 'STORE_FAILED', who: SERVER, advice: 'It asks to be left alone for a while.', isForAll };

  if (status === 404) return { code: 'STORE_NOT_FOUND', who: isPage ? between : SERVER, advice: WRONG_PATH, isForAll };
  if (status === 401) {
    const advice = 'It asks for a sign-in of its own, against which credentials of Kubernetes do not help.';
    return { code: 'STORE_UNAUTHENTICATED', who: between, advice, isForAll };
  }
  if (status === 403) {
    const advice = 'No Role helps: it is not the API server that refuses. Look for its log, or lead past it.';
    return { code: 'STORE_FORBIDDEN', who: between, advice, isForAll };
  }
  if (status >= 300 && status < 400) {
    const advice = 'Redirects are not followed: credentials would go along. Name the final address.';
    return { code: 'STORE_FAILED', who: between, advice, isForAll };
  }
  if (status >= 500 && !isPage) {
    const advice = 'Look at the log of the API server and at what stands before it.';
    return { code: 'STORE_FAILED', who: 'The API server, or something before it,', advice, isForAll };
  }
  return { code: 'STORE_FAILED', who: between, advice: 'Look for its log, or lead past it.', isForAll };
}
