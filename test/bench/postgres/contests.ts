import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../../e2e/fleet/replica-lines.js';
import { Replica } from '../../e2e/fleet/replica.js';
import type { Cluster } from '../../postgres/cluster.js';

/** Scripts lie in the source tree, beside what was compiled into dist/bench/postgres. */
const script = (path: string) => fileURLToPath(new URL(`../../../../../../${path}`, import.meta.url));

export type Contender = (lease: string, env?: Record<string, string>) => Replica;

export function contender(cluster: Cluster, path: string, fixed: Record<string, string> = {}): Contender {
  const command = [script(path)];
  return (lease, env) =>
    new Replica(path, process.execPath, command, { DATABASE_URL: cluster.url, LEASE: lease, ...fixed, ...env });
}

/** Milliseconds from the signal to the leader until the other's first work, or null after `patience`. */
export async function succession(
  start: Contender,
  signal: NodeJS.Signals,
  { patience = 30_000, onSignal }: { patience?: number; onSignal?: (lease: string) => Promise<void> } = {},
): Promise<{ took: number | null; admittedAt: number }> {
  const lease = `bench-${randomUUID()}`;
  const leader = start(lease);
  await leader.until('admitted');
  const standby = start(lease);
  try {
    await standby.until('holder');
    // Any phase of the renewals.
    await sleep(500 + Math.random() * 500);
    const at = monotonic();
    process.kill(leader.pid, signal);
    await onSignal?.(lease);
    const admitted = await standby.until('admitted', { since: at, patience }).catch(() => null);
    return { took: admitted && admitted.t - at, admittedAt: admitted?.t ?? Number.NaN };
  } finally {
    if (!leader.gone) leader.resume();
    await Promise.all([leader, standby].map((replica) => (replica.gone ? undefined : replica.kill())));
  }
}

/** Statements that the server logged from an application while `time` passed. */
export async function statements(cluster: Cluster, application: string, time: number): Promise<number> {
  const from = cluster.log.length;
  await sleep(time);
  const logged = cluster.log.slice(from).split('\n');
  const counted = logged.filter(
    (line) => line.startsWith(`${application}|LOG:  statement:`) || line.startsWith(`${application}|LOG:  execute `),
  );
  return counted.length;
}
