import type { Excuse } from './judge/excuses.js';
import { Leaderless } from './judge/leaderless.js';
import { Judge } from './judge/judge.js';
import type { Breach } from './judge/promises.js';
import { Recovery } from './judge/recovery.js';
import { Spending } from './judge/spending.js';
import type { Start } from './judge/ticks.js';
import { ClientGoReplica } from './rivals/client-go.js';
import type { Contender } from './world/contender.js';
import { strike, type Stage } from './world/disturbances.js';
import type { Fault } from './world/faults.js';
import { Forger } from './world/forger.js';
import { LeaseService } from './world/lease-service.js';
import { Machine } from './world/machine.js';
import { inOwnTask } from './world/microtasks.js';
import { Network } from './world/network.js';
import type { Plan } from './world/plan.js';
import { Replica, type NewElection } from './world/replica.js';
import { World } from './world/world.js';

export interface Outcome {
  seed: number;
  breach: Breach | null;
  trace: number;
  counts: ReadonlyMap<Fault, number>;
  events: number;
  terms: number;
  requests: number;
  /** Milliseconds from the graceful stop, or the earliest instant that the rules allow after a crash, to the successor's term. */
  handover: number | null;
  takeover: number | null;
  /** Machine of each term, in the order in which they began. */
  led: number[];
  /** Requests of each machine. */
  sent: number[];
  /** Milliseconds in which nobody led, from the first term on; sampled every 50 ms, if the plan asks for it. */
  leaderless: number;
  /** By job: the ticks that began, in that order. */
  starts: ReadonlyMap<string, readonly Start[]>;
  excuses: ReadonlySet<Excuse>;
  unfencedOverlaps: number;
  fencedRefusals: number;
  /** What happened, if it was asked for. */
  timeline: string | null;
}

export interface PlayOptions {
  /** Seconds before the end to tell of. */
  timeline?: number;
  /** What else is done in this history: for measurements. */
  script?: (stage: Stage, judge: Judge) => void;
}

/** Plays one history from its plan to its end or to the first broken promise. Same plan, same elector: same history. */
export function playHistory(plan: Plan, create: NewElection, options: PlayOptions = {}): Promise<Outcome> {
  // Healing clears these parts of the plan, so each play gets its own.
  const { network, watch, work } = plan;
  const own: Plan = {
    ...plan,
    network: { ...network },
    watch: { ...watch },
    work: { ...work },
    jobs: plan.jobs.map((job) => ({ ...job })),
  };
  return inOwnTask(() => play(own, create, options));
}

/** In a row, two for each write (with marks and without): after one that is refused the next goes without, which may get lost. */
const MOST_LEDGERS_REFUSED = 10;

function play(plan: Plan, create: NewElection, { timeline: secondsOfTimeline, script }: PlayOptions): Outcome {
  const world = new World(plan.seed, { timeline: secondsOfTimeline !== undefined });
  const service = new LeaseService(world, plan.client.marks);
  const network = new Network(world, service, plan.network, world.random.stream('network'));
  const judge = new Judge(world, plan, () => service);
  service.onChange = (before, after, by) => judge.changed(before, after, by);
  service.onLedgerRefused = (by, times) => {
    if (times > MOST_LEDGERS_REFUSED)
      judge.breach('L3', `${by.identity} sends nothing but ledgers that are refused: its lease will end`);
  };
  service.onRestore = (current) => judge.restored(current);
  judge.health.observe(network);
  const contenders: Contender[] = judge.contenders;
  const forger = new Forger(network, contenders, world.random.stream('forger'));
  for (const [i, node] of plan.nodes.entries()) {
    const machine = new Machine(world, i, node.clocks, world.random.stream(`machine ${i}`));
    const contender =
      node.kind === 'ours'
        ? new Replica(machine, network, plan, node, judge, create)
        : new ClientGoReplica(machine, network, judge);
    contenders.push(contender);
    world.at(node.startAt, () => contender.start());
  }
  const luck = world.random.stream('disturbances');
  const stage: Stage = { world, network, contenders, forger, luck, ask: (why) => judge.ask(why) };
  for (const disturbance of plan.disturbances) world.at(disturbance.at, () => strike(stage, disturbance));
  askNowAndThen(world, judge, plan.askEvery);
  const leaderless = plan.measure ? new Leaderless(world, contenders) : null;
  script?.(stage, judge);
  const recovery = new Recovery(world, plan, network, judge, forger);
  const spending = new Spending(world, plan, network, judge);
  const escaped = (error: unknown): void =>
    judge.breach('E', error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.on('unhandledRejection', escaped);
  try {
    world.run(plan.endAt);
    judge.ticks.check();
  } catch (error) {
    escaped(error);
  } finally {
    process.off('unhandledRejection', escaped);
  }
  const { register } = judge;
  return {
    seed: plan.seed,
    breach: judge.verdict,
    trace: world.trace,
    counts: world.counts,
    events: world.events,
    terms: judge.terms,
    requests: spending.total,
    handover: recovery.handover,
    takeover: recovery.takeover,
    led: judge.led,
    sent: Array.from(plan.nodes, (_, i) => network.sent[i] ?? 0),
    leaderless: leaderless?.milliseconds ?? 0,
    starts: judge.ticks.starts,
    excuses: judge.excuses,
    unfencedOverlaps: register.unfencedOverlaps,
    fencedRefusals: register.refused,
    timeline: secondsOfTimeline === undefined ? null : world.timeline!.print(world.now, secondsOfTimeline),
  };
}

function askNowAndThen(world: World, judge: Judge, every: number): void {
  if (every === 0) return;
  const luck = world.random.stream('questions');
  const ask = (): void => {
    judge.ask('now and then');
    world.after(luck.between(0, 2) * every, ask);
  };
  world.after(every, ask);
}
