/**
 * What the application prints, one JSON object a line. `t` is CLOCK_MONOTONIC in milliseconds, which all containers of a machine share
 * and nobody can set: the lines of all replicas form one history, and those of client-go (../../go-replica) fit in.
 */
export type ApplicationLine = { pod: string; t: number } & (
  | { kind: 'listening'; port: number }
  /** The job ran: admitted in the term with this token. */
  | { kind: 'call'; token: string }
  /** `isLeader()` answers so from now on; it was last asked at `since`, and answered the opposite. */
  | { kind: 'belief'; leader: boolean; since: number }
  /** It does now what it was told to die of. */
  | { kind: 'dying'; of: Death }
);

/** Ways to die that cannot be brought about from outside. */
export const DEATHS = [
  'exception',
  'rejection',
  'exit',
  'exit-with-worker',
  'exit-with-child',
  'heap',
  'memory',
] as const;
export type Death = (typeof DEATHS)[number];

/** CLOCK_MONOTONIC in milliseconds. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
