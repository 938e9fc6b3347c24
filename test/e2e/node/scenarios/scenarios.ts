import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic, type Death } from '../application/lines.js';
import type { ContainerLife } from './container-logs.js';
import type { Figures } from './history.js';
import type { PodCluster } from './pod-cluster.js';
import type { FleetKind, FleetSettings } from './fleet-settings.js';
import type { PodFleet } from './pod-fleet.js';

/** What has to come of it. */
export type Outcome =
  /** The next one works long before the lease has ended. */
  | 'soon'
  /** Nobody works before the lease has ended. */
  | 'waited out'
  /** The leader works on. */
  | 'stays'
  /** Somebody works in the end; by whom and when is not for us to say. */
  | 'any';

export interface Scenario {
  name: string;
  outcome: Outcome;
  settings?: Partial<FleetSettings>;
  /** Who can play it. */
  kinds: FleetKind[];
  /** The term has to be older than a lease before it begins. */
  isCrash?: boolean;
  /** Each run needs a Deployment of its own, and is its start. */
  isFresh?: boolean;
  /** Too long for a test that plays them all. */
  isLong?: boolean;
  /** Returns when the leader's process was killed, where it was. */
  play(fleet: PodFleet, leader: ContainerLife): Promise<number | void>;
  /** Leaves the Deployment as it was. */
  restore?(fleet: PodFleet, leader: ContainerLife): Promise<void>;
}

const OURS: FleetKind[] = ['ours'];
const ALL: FleetKind[] = ['ours', 'client-go', 'client-go-unreleased'];

/** Ways to die of client-go's replica, by the signal that it takes for each. */
const SIGNALS: Partial<Record<Death, NodeJS.Signals>> = { exception: 'SIGHUP', exit: 'SIGUSR1', memory: 'SIGUSR2' };

/** Else the kubelet starts the container again later each time. */
const replace = (fleet: PodFleet, { pod }: ContainerLife) => fleet.remove(pod);

function death(name: string, of: Death): Scenario {
  return {
    name,
    outcome: 'soon',
    kinds: SIGNALS[of] ? ALL : OURS,
    isCrash: true,
    async play(fleet, leader) {
      if (fleet.settings.kind === 'ours') await fleet.die(leader, of);
      else fleet.signal(leader, SIGNALS[of]);
    },
    restore: replace,
  };
}

function rollouts(surge: '0' | '25%' | '100%'): Scenario[] {
  const settings = { surge };
  return [
    {
      name: `rollout restart, maxSurge ${surge}`,
      outcome: 'soon',
      kinds: ALL,
      settings,
      async play(fleet) {
        await fleet.change({ restartedAt: new Date().toISOString() });
        await fleet.rolledOut();
      },
    },
    {
      name: `new image, maxSurge ${surge}`,
      outcome: 'soon',
      kinds: ALL,
      settings,
      async play(fleet) {
        await fleet.change({ image: 2 });
        await fleet.rolledOut();
      },
      async restore(fleet) {
        await fleet.change({ image: 1 });
        await fleet.rolledOut();
      },
    },
  ];
}

export const scenarios: Scenario[] = [
  { name: 'first start', outcome: 'soon', kinds: ALL, isFresh: true, play: async () => {} },
  {
    name: 'SIGKILL',
    outcome: 'soon',
    kinds: ALL,
    isCrash: true,
    play: async (fleet, leader) => fleet.signal(leader),
    restore: replace,
  },
  death('out of memory', 'memory'),
  death('heap exhausted', 'heap'),
  {
    // Not our doing, but what Nest's documentation shows: with a listener for SIGSEGV, process 1 of a container survives its own abort().
    // The kernel ignores SIGABRT for it, and what libc does next is a fault that the listener swallows, for ever. Its death cannot be
    // proven, as it does not die.
    ...death('heap exhausted, hooks for all signals', 'heap'),
    outcome: 'waited out',
    settings: { hooksAllSignals: true },
    async restore(fleet, leader) {
      fleet.signal(leader);
      await replace(fleet, leader);
    },
  },
  death('uncaught exception', 'exception'),
  death('unhandled rejection', 'rejection'),
  death('exit', 'exit'),
  death('exit, a worker alive', 'exit-with-worker'),
  death('exit, a child alive', 'exit-with-child'),
  {
    name: 'Pod deleted',
    outcome: 'soon',
    kinds: ALL,
    play: (fleet, { pod }) => fleet.remove(pod),
  },
  {
    name: 'Pod deleted by force',
    outcome: 'soon',
    kinds: ALL,
    play: (fleet, { pod }) => fleet.remove(pod, 0),
  },
  {
    name: 'Pod evicted',
    outcome: 'soon',
    kinds: ALL,
    play: (fleet, { pod }) => fleet.evict(pod),
  },
  {
    name: 'liveness fails',
    outcome: 'soon',
    kinds: OURS,
    settings: { hasLiveness: true },
    play: (fleet, leader) => fleet.post(leader, '/fail-liveness'),
    restore: replace,
  },
  ...rollouts('0'),
  ...rollouts('25%'),
  ...rollouts('100%'),
  {
    name: 'rollback',
    outcome: 'any',
    kinds: ALL,
    async play(fleet) {
      const before = await fleet.change({ image: 2 });
      // Undone half way, as when somebody sees that it goes wrong.
      await sleep(2_000);
      await fleet.change(before);
      await fleet.rolledOut();
    },
  },
  {
    name: 'rollout that cannot start',
    outcome: 'any',
    kinds: ALL,
    async play(fleet) {
      await fleet.change({ isBroken: true });
      await sleep(15_000);
      await fleet.change({ isBroken: false });
      await fleet.rolledOut();
    },
  },
  {
    name: 'scaled up and down',
    outcome: 'any',
    kinds: ALL,
    async play(fleet) {
      const { replicas } = fleet.settings;
      await fleet.scale(replicas + 3);
      await fleet.rolledOut();
      await fleet.scale(replicas);
      await fleet.rolledOut();
    },
  },
  {
    name: 'kubelet stopped',
    outcome: 'stays',
    kinds: ALL,
    isCrash: true,
    async play({ cluster: { node } }) {
      node.kubelet.freeze();
      await sleep(20_000);
      node.kubelet.resume();
    },
  },
  {
    name: 'kubelet stopped, SIGKILL',
    outcome: 'waited out',
    kinds: ALL,
    isCrash: true,
    async play(fleet, leader) {
      const { kubelet } = fleet.cluster.node;
      kubelet.freeze();
      try {
        const killed = fleet.signal(leader);
        await fleet.successor(leader, killed);
        return killed;
      } finally {
        kubelet.resume();
      }
    },
    restore: replace,
  },
  {
    name: 'API server restarted',
    outcome: 'any',
    kinds: ALL,
    async play({ cluster: { controlPlane } }) {
      await controlPlane.apiServer.kill();
      await controlPlane.apiServer.start();
      await sleep(5_000);
    },
  },
  {
    // The shortest that the API allows; the kubelet renews it when four fifths are over, and the first one ends while this watches.
    name: 'tokens of ten minutes',
    outcome: 'stays',
    kinds: ALL,
    settings: { tokenSeconds: 600 },
    isLong: true,
    play: async () => sleep(680_000),
  },
];

/** Plays a scenario once. */
export async function play(scenario: Scenario, cluster: PodCluster, settings: FleetSettings): Promise<Figures> {
  const fleet = await cluster.fleet({ ...settings, ...scenario.settings }, scenario.isFresh);
  const { history } = fleet;
  if (scenario.isFresh) return history.figures(0, monotonic());
  await fleet.settled(scenario.isCrash);
  const leader = fleet.leader();
  // With the last calls before it, to count from, should the leader die before it makes another one.
  const from = monotonic() - 100;
  const killed = (await scenario.play(fleet, leader)) ?? undefined;
  if (scenario.outcome === 'soon' || scenario.outcome === 'waited out') await fleet.successor(leader, killed ?? from);
  // What is wrong shows only after the first call of the next one.
  await sleep(1_500);
  await fleet.working();
  const figures = history.figures(from, monotonic(), leader, killed);
  await scenario.restore?.(fleet, leader);
  return figures;
}
