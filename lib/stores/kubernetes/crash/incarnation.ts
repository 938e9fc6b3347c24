/**
 * The very process that holds a Lease, so that others can look its death up: the container that it runs in, and the hash of a secret that
 * only this container's termination log shows, and only once the container is dead.
 */
export interface Incarnation {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
  /** SHA-256 of the nonce, in hexadecimal. The nonce itself would let every reader of the Lease forge a death. */
  readonly proof: string;
}

const FIELDS = ['namespace', 'pod', 'uid', 'container', 'proof'] as const satisfies readonly (keyof Incarnation)[];

/** What a Lease says of it; `null` where a field is missing or no text. */
export function asIncarnation(value: unknown): Incarnation | null {
  if (typeof value !== 'object' || value === null) return null;
  const fields = FIELDS.map((field) => [field, (value as Record<string, unknown>)[field]] as const);
  const isWhole = fields.every(([, text]) => typeof text === 'string' && text !== '' && text.length <= 253);
  return isWhole ? (Object.fromEntries(fields) as unknown as Incarnation) : null;
}

export function isSameIncarnation(a: Incarnation, b: Incarnation): boolean {
  return FIELDS.every((field) => a[field] === b[field]);
}
