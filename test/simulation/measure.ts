import { playHistory } from './history.js';
import { calm } from './scenarios/calm.js';
import type { DisturbanceKind, Plan } from './world/plan.js';
import { Random } from './world/random.js';
import type { NewElection } from './world/replica.js';

export type Kind = 'ours' | 'client-go';

/** A quiet fleet in one data centre: 1 to 3 ms each way. */
export function fleet(kind: Kind, replicas: number, minutes: number, seed: number): Plan {
  const plan = calm(replicas, minutes);
  const luck = new Random(`fleet ${seed}`);
  plan.seed = seed;
  plan.askEvery = 0;
  plan.measure = false;
  plan.work.every = 0;
  Object.assign(plan.network, { latency: 1, jitter: 2 });
  for (const node of plan.nodes) {
    node.kind = kind;
    node.startAt = luck.between(0, 4000);
  }
  return plan;
}

/** Milliseconds from the leader's end to its successor's term, once per seed. */
export async function succession(
  kind: Kind,
  replicas: number,
  end: 'stop' | 'silent-stop' | 'crash',
  times: number,
  create: NewElection,
  change: (plan: Plan) => void = () => undefined,
): Promise<number[]> {
  const took: number[] = [];
  for (let seed = 1; seed <= times; seed++) {
    const plan = fleet(kind, replicas, 2, seed);
    change(plan);
    const when = new Random(`end ${seed}`).between(30_000, 40_000);
    await playHistory(plan, create, {
      script: ({ world, network, contenders }, judge) => {
        world.at(when, () => {
          const leader = contenders.find((c) => c.believes())!;
          judge.onTerm = () => {
            took.push(world.now - when);
            world.stop();
          };
          if (end === 'silent-stop') network.silencedAt = when;
          if (end === 'crash') leader.crash();
          else leader.stop();
        });
      },
    });
  }
  return took.toSorted((a, b) => a - b);
}

export interface Rates {
  /** Requests a minute: the leader's, one standby's, everybody's. */
  leader: number;
  standby: number;
  all: number;
}

/** Requests a minute over five minutes of calm, or of an API server that refuses everything. */
export async function spending(
  kind: Kind,
  replicas: number,
  outage: boolean,
  create: NewElection,
  change: (plan: Plan) => void = () => undefined,
): Promise<Rates> {
  const minutes = 5;
  const plan = fleet(kind, replicas, minutes + 1, 1);
  change(plan);
  const before: number[] = [];
  let leader = 0;
  const { sent } = await playHistory(plan, create, {
    script: ({ world, network, contenders }) => {
      world.at(60_000, () => {
        leader = contenders.findIndex((c) => c.believes());
        if (outage) network.outage = 'refuse';
        before.push(...network.sent);
      });
    },
  });
  const spent = sent.map((n, i) => (n - (before[i] ?? 0)) / minutes);
  const all = spent.reduce((a, b) => a + b, 0);
  return { leader: spent[leader]!, standby: (all - spent[leader]!) / (replicas - 1), all };
}

export interface Availability {
  /** Share of the time in which somebody leads. */
  led: number;
  /** Terms that ended, a day. */
  lossesADay: number;
}

export async function availability(plan: Plan, create: NewElection): Promise<Availability> {
  plan.measure = true;
  const { leaderless, led, breach } = await playHistory(plan, create);
  if (breach) throw new Error(`${breach.promise}: ${breach.what}`);
  return { led: 1 - leaderless / plan.endAt, lossesADay: ((led.length - 1) * 86_400_000) / plan.endAt };
}

/** 1% of the requests lost; each request stalls the service for 3 to 8 s with a chance of 0.1%. */
export function troubled(kind: Kind, replicas: number, hours: number): Plan {
  const plan = fleet(kind, replicas, hours * 60, 1);
  Object.assign(plan.network, { lostRequest: 0.01, stall: 0.001 });
  return plan;
}

/** Terms of two minutes in which this strikes the leader, once for each tenth of its renewal's rhythm. */
export async function struck(
  kind: DisturbanceKind,
  lasts: number,
  size: number,
  create: NewElection,
): Promise<number[]> {
  const terms: number[] = [];
  for (let phase = 0; phase < 3000; phase += 300) {
    const plan = fleet('ours', 2, 2, 1);
    plan.nodes[0]!.startAt = 0;
    plan.nodes[1]!.startAt = 1500;
    plan.disturbances = [{ at: 40_000 + phase, kind, node: 0, lasts, size }];
    terms.push((await playHistory(plan, create)).led.length);
  }
  return terms;
}
