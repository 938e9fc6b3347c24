import { LeaderElectionConfigError } from './errors.js';
import type { LeaseStore } from './lease-store.js';

/** How an election is set up. Durations are milliseconds. */
export interface ElectionOptions {
  /** Names the lease that replicas stand for; the Lease's `metadata.name` on Kubernetes. */
  leaseName: string;
  /** Kubernetes namespace; elsewhere a prefix that keeps leases apart. Default: the pod's own, else `default`. */
  namespace?: string;
  /** Readable prefix of this replica's identity (default: host name). A random suffix is always added: two replicas never share one. */
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
  /** Extra wait before taking over an expired lease of a holder that is not a nestjs-leader replica. Default 0. */
  takeoverGrace?: number;
  /** Raised by one when the lease moves to another store: tokens are epoch·2^56 + the store's token. Default 0. */
  fencingEpoch?: number;
  /** How long shutdown and step-down wait for admitted work. Default 20 000. */
  drainTimeout?: number;
  /** Give the lease up at shutdown so that a successor need not wait. Default true. */
  releaseOnShutdown?: boolean;
  /** `false` observes only: never leads. Default true. */
  candidate?: boolean;
}

/** @throws LeaderElectionConfigError for options of a wrong kind; durations are `resolveTimings`' */
export function checkOptions(options: ElectionOptions): void {
  const broken: string[] = [];
  const rule = (holds: boolean, name: keyof ElectionOptions, text: string) => {
    if (!holds) {
      const value = options?.[name] as unknown;
      broken.push(
        `${name} is ${typeof value === 'string' ? JSON.stringify(value) : String(value)} but must be ${text}`,
      );
    }
  };
  const optional = (name: keyof ElectionOptions, type: 'string' | 'boolean') =>
    rule(options?.[name] === undefined || typeof options[name] === type, name, `a ${type}`);
  rule(typeof options?.leaseName === 'string' && options.leaseName.trim() !== '', 'leaseName', 'a non-empty string');
  rule(typeof options?.store?.open === 'function', 'store', 'a LeaseStore');
  rule(
    options?.identity === undefined || (typeof options.identity === 'string' && options.identity !== ''),
    'identity',
    'a non-empty string',
  );
  rule(
    options?.namespace === undefined || (typeof options.namespace === 'string' && options.namespace !== ''),
    'namespace',
    'a non-empty string',
  );
  const epoch: unknown = options?.fencingEpoch ?? 0;
  rule(
    Number.isInteger(epoch) && (epoch as number) >= 0 && (epoch as number) <= 127,
    'fencingEpoch',
    'a whole number from 0 to 127',
  );
  optional('releaseOnShutdown', 'boolean');
  optional('candidate', 'boolean');
  if (broken.length > 0) {
    throw new LeaderElectionConfigError(`Leader election: ${broken.join('; ')}.`, 'See ElectionOptions.');
  }
}
