import type { DisturbanceKind, Plan } from './world/plan.js';
import { swarm } from './swarm.js';

/**
 * Swarms that lean towards one kind of trouble. A rare bug dies in the general swarm too, in some thousands of seeds;
 * here it has to die within one thousand.
 */
export const PROFILES = {
  swarm,
  /** Replicas that are configured differently. */
  timings: (seed: number) => {
    const plan = swarm(seed);
    const durations = [10_000, 30_000, 15_000, 10_900];
    plan.nodes.forEach((node, i) => (node.options = { leaseDuration: durations[(seed + i) % durations.length]! }));
    return plan;
  },
} as const satisfies Record<string, (seed: number) => Plan>;

export type Profile = keyof typeof PROFILES;

export function only(plan: Plan, kinds: readonly DisturbanceKind[]): Plan {
  plan.disturbances = plan.disturbances.filter((d) => kinds.includes(d.kind));
  return plan;
}
