/**
 * A `coordination.k8s.io/v1` Lease as it comes off the wire. Only what this store reads is named; every other field is
 * carried along untouched, because an update replaces the whole object and would erase what it leaves out.
 */
export interface LeaseObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: LeaseMetadata;
  readonly spec?: LeaseSpec;
  readonly [field: string]: unknown;
}

export interface LeaseMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly { readonly time?: string }[];
  readonly creationTimestamp?: string;
  readonly [field: string]: unknown;
}

/** Untrusted: anybody with `kubectl` may have written it, so no field is sure to have its type. */
export interface LeaseSpec {
  readonly holderIdentity?: unknown;
  readonly leaseDurationSeconds?: unknown;
  readonly acquireTime?: unknown;
  readonly renewTime?: unknown;
  readonly leaseTransitions?: unknown;
  readonly [field: string]: unknown;
}

export const API_VERSION = 'coordination.k8s.io/v1';

/** Whether a parsed answer is a Lease at all: a proxy's login page or another kind comes with status 200 too. */
export function isLease(value: unknown): value is LeaseObject {
  const lease = value as LeaseObject | null;
  return (
    typeof lease === 'object' &&
    lease !== null &&
    lease.kind === 'Lease' &&
    lease.apiVersion === API_VERSION &&
    typeof lease.metadata?.uid === 'string' &&
    isToken(lease.metadata.resourceVersion)
  );
}

/** Resource versions of one resource are decimal and ordered (KEP-5504). Anything else could not serve as a fencing token. */
export function isToken(resourceVersion: unknown): resourceVersion is string {
  return typeof resourceVersion === 'string' && /^\d{1,19}$/.test(resourceVersion);
}
