import { checkKeys } from './arguments.js';
import { LeaderElectionConfigError } from './errors.js';
import type { LeaseStore } from './lease-store.js';
import { quoted } from './report/quoted.js';

/** How an election is set up. Durations are milliseconds. */
export interface ElectionOptions {
  /** Names the lease that replicas stand for; the Lease's `metadata.name` on Kubernetes. */
  leaseName: string;
  /** Kubernetes namespace; elsewhere a prefix that keeps leases apart. Default: the pod's own, else `default`. */
  namespace?: string;
  /** Readable prefix of this replica's identity (default: the Pod's name in Kubernetes, else the host name). A random suffix is always added: two replicas never share one. */
  identity?: string;
  /** Where the lease is kept. Elections of one store object share its connections. */
  store: LeaseStore;
  /** How long others keep away after the leader's last write. Default 15 000, as client-go. */
  leaseDuration?: number;
  /** How long the leader trusts its last confirmed write, counted from before it was sent. Default 0.8 × leaseDuration. */
  renewDeadline?: number;
  /** Pause between attempts after a failure, shorter towards the end of a term. Default 2/15 × leaseDuration. */
  retryPeriod?: number;
  /** From one renewal's send to the next. Default 0.2 × leaseDuration. */
  renewInterval?: number;
  /** Bound of one request, everything included. Default 2/15 × leaseDuration; grows while the store is slow, to half the renewDeadline. */
  requestTimeout?: number;
  /**
   * Extra wait before taking over an expired lease of a holder that is not a nestjs-leader replica. Default 2 500: a client-go replica that
   * is cut off leads up to 2 s past its own lease. Costs nothing among replicas of ours; 0 where no other elector shares the lease.
   */
  takeoverGrace?: number;
  /** Raised by one when the lease moves to another store: tokens are epoch·2^56 + the store's token. Default 0. */
  fencingEpoch?: number;
  /** How long shutdown and step-down wait for admitted work. Default 20 000. */
  drainTimeout?: number;
  /** Give the lease up at shutdown so that a successor need not wait. Default true. */
  releaseOnShutdown?: boolean;
  /**
   * Let the lease go also when the process ends without a shutdown: an uncaught exception, an unhandled rejection, `process.exit()`.
   * Default true, where the store can (Kubernetes). Implied by `releaseOnShutdown: false`: then it is not.
   */
  releaseOnExit?: boolean;
  /** `false` observes only: never leads. Default true. */
  candidate?: boolean;
}

/** Every option, for the check of keys; the type holds that none is missing. */
const NAMES = Object.keys({
  leaseName: true,
  namespace: true,
  identity: true,
  store: true,
  leaseDuration: true,
  renewDeadline: true,
  retryPeriod: true,
  renewInterval: true,
  requestTimeout: true,
  takeoverGrace: true,
  fencingEpoch: true,
  drainTimeout: true,
  releaseOnShutdown: true,
  releaseOnExit: true,
  candidate: true,
} satisfies Record<keyof ElectionOptions, true>);

/** @throws LeaderElectionConfigError for unknown options and options of a wrong kind; durations are `resolveTimings`' */
export function checkOptions(options: ElectionOptions): void {
  const given: { readonly [K in keyof ElectionOptions]?: unknown } = options ?? {};
  const { leaseName, identity, namespace, fencingEpoch = 0, store } = given;
  const broken: string[] = [];
  const rule = (holds: boolean, name: keyof ElectionOptions, text: string, write = '') => {
    if (!holds) broken.push(`${name} is ${show(given[name])} but must be ${text}${write && `: write ${write}`}`);
  };
  const isName = (value: unknown) => typeof value === 'string' && value.trim() !== '';
  rule(
    isName(leaseName),
    'leaseName',
    'a non-empty string',
    leaseName === undefined ? "leaseName: 'orders', or set the variable of the environment that it comes from" : '',
  );
  rule(isStore(store), 'store', 'a LeaseStore', storeToWrite(store));
  rule(identity === undefined || isName(identity), 'identity', 'a non-empty string');
  rule(namespace === undefined || isName(namespace), 'namespace', 'a non-empty string');
  rule(
    Number.isInteger(fencingEpoch) && (fencingEpoch as number) >= 0 && (fencingEpoch as number) <= 127,
    'fencingEpoch',
    'a whole number from 0 to 127',
    /^\d{1,3}$/.test(String(fencingEpoch)) && typeof fencingEpoch === 'string' ? `fencingEpoch: ${fencingEpoch}` : '',
  );
  for (const name of ['releaseOnShutdown', 'releaseOnExit', 'candidate'] as const) {
    const value = given[name];
    const meant = ['true', 'false'].find((text) => text === value);
    rule(value === undefined || typeof value === 'boolean', name, 'a boolean', meant && `${name}: ${meant}`);
  }
  if (broken.length > 0) throw new LeaderElectionConfigError(`Leader election: ${broken.join('; ')}.`);
  checkKeys('Leader election', options, NAMES);
}

function isStore(value: unknown): value is LeaseStore {
  return typeof (value as LeaseStore | null | undefined)?.open === 'function';
}

function storeToWrite(value: unknown): string {
  if (typeof value === 'function') return `store: ${value.name || 'theFunction'}()`;
  if (typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function') return 'store: await theStore';
  return 'store: kubernetesLease(), postgresLease({ pool }), fileLease() or memoryLease()';
}

function show(value: unknown): string {
  if (typeof value === 'string') return quoted(JSON.stringify(value), 80);
  if (typeof value === 'function') return `the function ${quoted(value.name, 80) || 'without a name'}`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
