import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { Cluster } from '../control-plane/cluster.js';
import { Fleet, type ReplicaOptions } from '../fleet/fleet.js';
import { monotonic } from '../fleet/replica-lines.js';
import type { LeaseObject } from '../fleet/lease-path.js';
import type { Replica } from '../fleet/replica.js';

/** The cluster that all scenarios share which leave the servers alone. */
export const sharedCluster = new Cluster(inject('cluster'));

export function newFleet(cluster: Cluster = sharedCluster): Promise<Fleet> {
  return Fleet.in(cluster, inject('goReplica'));
}

/** When others may take the lease: its last renewal plus its duration, on the clock of the replicas' lines. */
export function expiry({ spec }: LeaseObject): number {
  const sinceRenewal = Date.now() - Date.parse(spec.renewTime!);
  return monotonic() - sinceRenewal + spec.leaseDurationSeconds! * 1000;
}

export interface Figures {
  n: number;
  p50: number;
  max: number;
}

export function figures(samples: number[]): Figures {
  const sorted = samples.toSorted((a, b) => a - b);
  const round = (value: number) => Math.round(value * 10) / 10;
  return { n: sorted.length, p50: round(sorted[Math.floor((sorted.length - 1) / 2)]!), max: round(sorted.at(-1)!) };
}

/** Figures go to the log of the run, for people who compare. */
export function report(what: string, ...rows: Record<string, unknown>[]): void {
  for (const row of rows) console.log(`${what}: ${JSON.stringify(row)}`);
}

/** A leader that has begun to work and a standby that sees it. */
export async function leaderAndStandby(
  fleet: Fleet,
  options: { leader?: ReplicaOptions; standby?: ReplicaOptions } = {},
): Promise<{ leader: Replica; standby: Replica }> {
  const leader = await fleet.replica('leader', options.leader);
  await leader.until('admitted');
  const standby = await fleet.replica('standby', options.standby);
  await seesLeader(standby);
  return { leader, standby };
}

/** Resolves once a replica has seen who holds the lease and its watch has had time to open. */
export async function seesLeader(replica: Replica): Promise<void> {
  await replica.until('holder');
  await sleep(300);
}
