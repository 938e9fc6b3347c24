import { playHistory } from './history.js';
import type { ClientPlan } from './world/lease-client.js';
import type { Plan } from './world/plan.js';
import type { NewElection } from './world/replica.js';

/** Tries to take away one thing after another, and keeps what still breaks the same promise. Greedy, a few hundred plays. */
export async function shrink(plan: Plan, create: NewElection): Promise<Plan> {
  const { breach } = await playHistory(plan, create);
  if (!breach) return plan;
  let smallest = plan;
  const attempt = async (change: (plan: Plan) => void): Promise<boolean> => {
    const smaller = structuredClone(smallest);
    change(smaller);
    const outcome = await playHistory(smaller, create);
    if (outcome.breach?.promise !== breach.promise) return false;
    smallest = smaller;
    return true;
  };
  for (let halves = smallest.disturbances.length; halves >= 1; halves = Math.floor(halves / 2)) {
    for (let at = 0; at < smallest.disturbances.length;) {
      const gone = await attempt((p) => void p.disturbances.splice(at, halves));
      if (!gone) at += halves;
    }
  }
  for (const part of ['network', 'watch', 'work'] as const) {
    for (const key of Object.keys(smallest[part])) {
      if (key === 'latency') continue;
      await attempt((p) => void ((p[part] as unknown as Record<string, number>)[key] = 0));
    }
  }
  const usual: Partial<ClientPlan> = { marks: 'kept', age: false, probe: 'none', watch: 'ok' };
  for (const [key, value] of Object.entries(usual)) await attempt((p) => Object.assign(p.client, { [key]: value }));

  for (const i of smallest.nodes.keys()) {
    await attempt((p) => Object.assign(p.nodes[i]!.clocks, { wallDrift: 0, wallWander: 0, wallOffset: 0 }));
    await attempt((p) => void (p.nodes[i]!.clocks.rate = 1));
    await attempt((p) => void (p.nodes[i]!.startAt = 0));
    await attempt((p) => void (p.nodes[i]!.options = {}));
  }
  // A lone replica has no successor, which is no bug.
  const fewest = breach.promise === 'L2' ? 2 : 1;
  while (smallest.nodes.length > fewest) {
    const last = smallest.nodes.length - 1;
    const gone = await attempt((p) => {
      p.nodes.pop();
      p.disturbances = p.disturbances.filter((d) => d.node < last);
    });
    if (!gone) break;
  }
  return smallest;
}

/** What is at work in a plan, in a few lines: everything that is off is left out. */
export function describePlan(plan: Plan): string {
  const set = (part: object): string =>
    Object.entries(part)
      .filter(([, value]) => value !== 0 && value !== 'none' && value !== false)
      .map(
        ([key, value]) => `${key} ${typeof value === 'number' ? Number(value.toPrecision(3)) : JSON.stringify(value)}`,
      )
      .join(', ');
  const lines = plan.disturbances.map(
    (d) =>
      `  ${(d.at / 1000).toFixed(3)} s ${d.kind} node ${d.node} for ${(d.lasts / 1000).toFixed(3)} s size ${Math.round(d.size)}`,
  );
  return [
    `store: ${set(plan.client)}`,
    `network: ${set(plan.network)}`,
    `watch: ${set(plan.watch)}`,
    `work: ${set(plan.work)}`,
    ...plan.nodes.map(
      (n, i) => `node ${i}: ${n.kind}, starts at ${n.startAt.toFixed(0)} ms, ${set(n.clocks)}, ${set(n.options)}`,
    ),
    ...lines,
  ].join('\n');
}
