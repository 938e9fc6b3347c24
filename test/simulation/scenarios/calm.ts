import type { Disturbance, DisturbanceKind, NodePlan, Plan } from '../world/plan.js';

/** A quiet world: exact clocks, a fast network, watches that work. Scenarios add to it what they are about. */
export function calm(replicas: number, minutes: number, change: Partial<Plan> = {}): Plan {
  const node = (): NodePlan => ({
    kind: 'ours',
    clocks: { rate: 1, wallOffset: 0, wallDrift: 0, wallWander: 0, boot: true },
    startAt: 0,
    options: {},
  });
  const endAt = minutes * 60_000;
  return {
    seed: 1,
    profile: 'scenario',
    healAt: endAt,
    endAt,
    client: { watch: 'ok', vouched: true, marks: 'kept', age: false, probe: 'none', resolution: 1000 },
    network: {
      latency: 2,
      jitter: 4,
      lostRequest: 0,
      lostResponse: 0,
      cut: 0,
      duplicate: 0,
      late: 0,
      staleRead: 0,
      throttled: 0,
      failedBefore: 0,
      failedAfter: 0,
      stall: 0,
    },
    watch: { lag: 0, silent: 0, ends: 0, gone: 0, replay: 0, conflated: 0 },
    nodes: Array.from({ length: replicas }, node),
    work: { every: 1000, lasts: 500, deaf: 0, throws: 0, stepsDown: 0 },
    jobs: [],
    disturbances: [],
    askEvery: 50,
    ending: 'none',
    measure: true,
    ...change,
  };
}

/** The first replica leads, because it starts first. */
export function led(plan: Plan): Plan {
  for (const [i, node] of plan.nodes.entries()) node.startAt = i === 0 ? 0 : 1000 + 10 * i;
  return plan;
}

export function at(
  seconds: number,
  kind: DisturbanceKind,
  node: number,
  more: { lasts?: number; size?: number } = {},
): Disturbance {
  return { at: seconds * 1000, kind, node, lasts: (more.lasts ?? 0) * 1000, size: more.size ?? 0 };
}
