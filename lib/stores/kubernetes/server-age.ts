import type { LeaseObject } from './lease-object.js';
import { parseMicroTime } from './micro-time.js';

/**
 * At least how long ago, in milliseconds, the Lease was last written, by the wall clocks of the API servers: the answer's `Date`
 * against the newest time in the object's metadata (managedFields are stamped by the server at each write). Both are whole seconds cut off,
 * hence the second taken away. Only for `trustServerClock`: these clocks can step, and with several API servers they differ.
 */
export function serverAge(lease: LeaseObject, date: string | undefined): number | undefined {
  const now = Date.parse(date ?? '');
  const stamps = [lease.metadata.creationTimestamp, ...(lease.metadata.managedFields ?? []).map(({ time }) => time)];
  const written = Math.max(...stamps.map((stamp) => parseMicroTime(stamp) ?? -Infinity));
  return Number.isNaN(now) || written === -Infinity ? undefined : Math.max(0, now - written - 1000);
}
