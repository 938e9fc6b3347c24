import { CoordinationV1Api, KubeConfig, type V1Lease, V1MicroTime } from '@kubernetes/client-node';
import { kubernetesLease } from 'nestjs-leader';
import type { LeaseRecord } from 'nestjs-leader/election';
import { printFigures } from '../figures.js';
import type { Lab } from '../lab.js';

const WRITES = 50;

/** A renewal through the store's own transport and through the official client: processor time, and time on the clock. */
export async function writes(lab: Lab): Promise<void> {
  const cluster = await lab.cluster;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'bench', server: cluster.access.url, caFile: cluster.access.caFile, skipTLSVerify: false },
    { name: 'bench', token: cluster.access.adminToken },
  );
  const store = kubernetesLease({ kubeConfig: config, events: false });
  const [name, namespace] = ['bench-writes', 'default'];
  const lease = store.open({ name, namespace });
  const api = config.makeApiClient(CoordinationV1Api);
  const never = new AbortController().signal;

  const own = async () => {
    let seen = await lease.read(never);
    for (let i = 0; i < WRITES; i++) {
      const outcome = await lease.replace(seen, record(), never);
      if (outcome.kind !== 'applied') throw new Error(`a write was answered ${outcome.kind}`, { cause: outcome });
      seen = outcome.snapshot;
    }
  };
  const official = async () => {
    let body: V1Lease = await api.readNamespacedLease({ name, namespace });
    for (let i = 0; i < WRITES; i++) {
      body.spec = { ...body.spec, holderIdentity: 'client-node', renewTime: new V1MicroTime() };
      body = await api.replaceNamespacedLease({ name, namespace, body });
    }
  };

  const contenders = [
    { what: 'kubernetesLease()', run: own, costs: [] as Cost[] },
    { what: '@kubernetes/client-node', run: official, costs: [] as Cost[] },
  ];
  // Two rounds warm both; then in turns: what disturbs the machine disturbs both.
  for (let round = -2; round < lab.amount(20, 3); round++) {
    for (const { run, costs } of contenders) {
      const cost = await costOf(run);
      if (round >= 0) costs.push(cost);
    }
  }
  await store.close?.();
  for (const [of, title] of [
    ['cpu', 'Processor time of a write'],
    ['elapsed', '\nA write, from call to answer'],
  ] as const) {
    console.log(`${title}:`);
    printFigures(contenders.map(({ what, costs }) => ({ what, samples: costs.map((cost) => cost[of]), unit: 'ms' })));
  }
}

interface Cost {
  readonly cpu: number;
  readonly elapsed: number;
}

/** Milliseconds for each write. */
async function costOf(writes: () => Promise<void>): Promise<Cost> {
  const [cpu, from] = [process.cpuUsage(), performance.now()];
  await writes();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000 / WRITES, elapsed: (performance.now() - from) / WRITES };
}

function record(): LeaseRecord {
  const now = Date.now();
  const writeId = crypto.randomUUID();
  return { holder: 'ours', duration: 15_000, acquiredAt: now, renewedAt: now, transitions: 1, term: 'bench', writeId };
}
