/**
 * What a replica prints, one JSON object per line. All times are CLOCK_MONOTONIC in milliseconds, which the processes of one
 * machine share, so the lines of a whole fleet form one history.
 */
export type ReplicaLine =
  /** It stands for the lease from about now on. */
  | { kind: 'ready'; t: number }
  /** Asked `isLeader()` at some instant in [t, until]: every true answer, and the first false one after it. */
  | { kind: 'sample'; t: number; until: number; leader: boolean; token?: string }
  /** Work was admitted: the first of the term with `token`. */
  | { kind: 'admitted'; t: number; token: string }
  /** The holder that it now sees in the lease. */
  | { kind: 'holder'; t: number; holder: string }
  /** Notifications that the application got. */
  | { kind: 'lost'; t: number; token: string; reason: string }
  /** Work that went on after its signal had aborted has ended; `valid`: its term still allowed it to act. */
  | { kind: 'drained'; t: number; token: string; valid: boolean }
  /** `status().lastError` changed. */
  | { kind: 'error'; t: number; code: string; message: string }
  /** Drained and released; about to exit. */
  | { kind: 'stopped'; t: number };

/** CLOCK_MONOTONIC in milliseconds, as every line carries it. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
