import { swarm } from './swarm.js';
import type { Plan } from './world/plan.js';

/**
 * Swarms that lean towards one kind of trouble. A rare bug dies in the general swarm too, in some thousands of seeds;
 * here it has to die within one thousand.
 */
export const PROFILES = {
  swarm: (seed: number) => swarm(seed),

  /** Replicas that are configured differently, and people who change what is recorded. */
  timings(seed: number): Plan {
    const plan = swarm(seed, { 'edit-duration': true, crash: true });
    const durations = [10_000, 30_000, 15_000, 10_900];
    for (const [i, node] of plan.nodes.entries())
      node.options = { leaseDuration: durations[(seed + i) % durations.length]! };
    return plan;
  },

  /** Clocks that run apart, stand still, jump; machines that sleep. */
  clocks(seed: number): Plan {
    const plan = swarm(seed, { pause: true, suspend: true, 'wall-step': true, 'wall-freeze': true, partition: true });
    for (const [i, node] of plan.nodes.entries()) if (seed % 2 === 0) node.clocks.rate = i % 2 === 0 ? 0.9 : 1.1;
    return plan;
  },

  /** A network that loses, delays and doubles; a store that answers slowly or not at all. */
  network(seed: number): Plan {
    const plan = swarm(seed, { partition: true, 'server-stall': true, pause: true, slow: true });
    Object.assign(plan.network, { lostResponse: 0.1, late: 0.1, failedAfter: 0.05 });
    return plan;
  },

  /** People with kubectl. */
  tampering: (seed: number) => swarm(seed, { delete: true, blank: true, steal: true, annotate: true }),

  /** Watches that fall silent, break, and tell old news. */
  watches(seed: number): Plan {
    const plan = swarm(seed, { crash: true, partition: true });
    plan.client.watch = 'ok';
    Object.assign(plan.watch, { silent: 0.02, gone: 0.02, replay: 0.3 });
    return plan;
  },

  /** Ours beside client-go's, on clocks that stand still. */
  mixed(seed: number): Plan {
    const plan = swarm(seed, { pause: true, restart: true, 'wall-freeze': true });
    plan.client.resolution = 1000;
    plan.nodes.at(-1)!.kind = 'client-go';
    for (const d of plan.disturbances)
      if (d.kind === 'wall-freeze') d.lasts = Math.min(60_000, plan.healAt - d.at - 1000);
    return plan;
  },

  /** A replica of client-go that leads, freezes until its lease has expired, and is stopped: it empties its successor's. Watches lag. */
  frozen(seed: number): Plan {
    const plan = swarm(seed);
    while (plan.nodes.length < 3) plan.nodes.push(structuredClone(plan.nodes[0]!));
    plan.client.watch = 'ok';
    plan.client.resolution = 1000;
    plan.watch.lag = 10_000;
    const node = plan.nodes.length - 1;
    for (const [i, { options }] of plan.nodes.entries()) {
      plan.nodes[i]!.kind = i === node ? 'client-go' : 'ours';
      plan.nodes[i]!.startAt = i === node ? 0 : 3000 + 100 * i;
      delete options.leaseDuration;
    }
    for (let at = 30_000; at < plan.healAt - 40_000; at += 60_000) {
      plan.disturbances.push({ at, kind: 'pause', node, lasts: 15_500, size: 0 });
      plan.disturbances.push({ at: at + 1000, kind: 'restart', node, lasts: 100, size: 0 });
    }
    return plan;
  },

  /** Departures with work that will not end. */
  departures(seed: number): Plan {
    const plan = swarm(seed, { restart: true, 'step-down': true, partition: true });
    Object.assign(plan.work, { every: 5000, lasts: 40_000, deaf: 0.3 });
    return plan;
  },
} as const satisfies Record<string, (seed: number) => Plan>;

export type Profile = keyof typeof PROFILES;
