import { setTimeout as pause } from 'node:timers/promises';
import { CoordinationV1Api, KubeConfig, V1MicroTime, type V1Lease } from '@kubernetes/client-node';
import { kubernetesLease } from 'nestjs-leader';
import type { LeaseHandle, LeaseRecord, LeaseStore, Snapshot } from 'nestjs-leader/election';
import { printFigures, printMachine, quantile } from '../figures.js';

// usage: npm run cluster, then KUBECONFIG=… npm run bench:kubernetes [rounds]

const ROUNDS = Number(process.argv[2] ?? 20);
const WRITES = 50;

printMachine();
const config = new KubeConfig();
config.loadFromDefault();
const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
const name = `bench-${process.pid}`;
const never = new AbortController().signal;

const record = (holder: string | null): LeaseRecord => ({
  holder,
  duration: 15_000,
  acquiredAt: Date.now(),
  renewedAt: Date.now(),
  transitions: 1,
  term: 'bench',
  writeId: crypto.randomUUID(),
});

async function applied(handle: LeaseHandle, seen: Snapshot, holder: string | null): Promise<Snapshot> {
  const outcome = await handle.replace(seen, record(holder), never);
  if (outcome.kind !== 'applied') throw new Error(`a write was answered ${outcome.kind}`, { cause: outcome });
  return outcome.snapshot;
}

const store: LeaseStore = kubernetesLease({ kubeConfig: config, events: false });
const ours = store.open({ name, namespace });
const api = config.makeApiClient(CoordinationV1Api);

async function ownWrites(): Promise<void> {
  let seen = await ours.read(never);
  for (let i = 0; i < WRITES; i++) seen = await applied(ours, seen, 'ours');
}

async function officialWrites(): Promise<void> {
  let body: V1Lease = await api.readNamespacedLease({ name, namespace });
  for (let i = 0; i < WRITES; i++) {
    body.spec = { ...body.spec, holderIdentity: 'client-node', renewTime: new V1MicroTime() };
    body = await api.replaceNamespacedLease({ name, namespace, body });
  }
}

/** CPU milliseconds of this process, and milliseconds on the clock, for each write. */
async function cost(writes: () => Promise<void>): Promise<{ cpu: number; elapsed: number }> {
  const [cpu, from] = [process.cpuUsage(), performance.now()];
  await writes();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000 / WRITES, elapsed: (performance.now() - from) / WRITES };
}

/** Milliseconds from the call that releases to the answer of the standby's takeover, over two stores as two processes have them. */
async function handover(standbys: LeaseStore): Promise<number> {
  const standby = standbys.open({ name, namespace });
  const seen = await applied(ours, await ours.read(never), 'leader');
  const over = new AbortController();
  const takeover = (async () => {
    for await (const now of standby.watch!(over.signal)) {
      if (now.lease?.record.holder === null) return applied(standby, now, 'successor');
    }
    throw new Error('the watch ended');
  })();
  await pause(50);
  const from = performance.now();
  await applied(ours, seen, null);
  await takeover;
  over.abort();
  return performance.now() - from;
}

await applied(ours, await ours.read(never), 'ours');
// Both warm, then in turns: what disturbs the machine disturbs both.
for (const writes of [ownWrites, officialWrites, ownWrites, officialWrites]) await writes();
const own: Awaited<ReturnType<typeof cost>>[] = [];
const official: typeof own = [];
for (let round = 0; round < ROUNDS; round++) {
  own.push(await cost(ownWrites));
  official.push(await cost(officialWrites));
}
const standbys = kubernetesLease({ kubeConfig: config, events: false });
const handovers: number[] = [];
for (let i = 0; i < ROUNDS; i++) handovers.push(await handover(standbys));

const half = quantile(
  official.map(({ cpu }) => cpu),
  0.5,
);
const missed = printFigures([
  { what: 'CPU of a write, client-node', samples: official.map(({ cpu }) => cpu), unit: 'ms' },
  {
    what: 'CPU of a write, kubernetesLease()',
    samples: own.map(({ cpu }) => cpu),
    unit: 'ms',
    target: Math.round(half * 50) / 100,
  },
  { what: 'a write, client-node', samples: official.map(({ elapsed }) => elapsed), unit: 'ms' },
  { what: 'a write, kubernetesLease()', samples: own.map(({ elapsed }) => elapsed), unit: 'ms' },
  { what: 'release, watch event, takeover', samples: handovers, unit: 'ms', target: 30 },
]);
await api.deleteNamespacedLease({ name, namespace });
await store.close?.();
await standbys.close?.();
process.exitCode = missed > 0 ? 1 : 0;
