import { FORGERIES } from './world/forger.js';
import type { ClientPlan } from './world/lease-client.js';
import { Random } from './world/random.js';
import type { Disturbance, DisturbanceKind, JobPlan, NodePlan, Plan, ZonePlan } from './world/plan.js';

/** Ten simulated minutes: eight of faults, then everything heals and must recover. */
const HEAL_AT = 480_000;
const END_AT = 600_000;

/** The slowest and the fastest clock of a history: their ratio stays within leaseDuration : renewDeadline. */
const RATES = { exact: 0, everyday: 0.0005, bad: 0.01, worst: 0.1 };

/** Kinds of disturbance that a profile wants to see in every history. */
export type Bias = Partial<Record<DisturbanceKind, true>>;

/**
 * Draws a history from a seed. Each seed switches a random few of the faults on (swarm testing: a history with every
 * fault at once hardly ever gets anywhere interesting), and how hard they strike differs too.
 */
export function swarm(seed: number, bias: Bias = {}): Plan {
  const luck = new Random(`swarm ${seed}`);
  const on = (share: number): boolean => luck.chance(share);
  const some = (share: number, low: number, high: number): number => {
    const amount = luck.skewed(low, high);
    return on(share) ? amount : 0;
  };
  const count = luck.pick([2, 3, 3, 3, 3, 4, 5]);
  const boot = on(0.6);
  const rival = on(0.12);
  const spread = luck.pick([RATES.exact, RATES.everyday, RATES.everyday, RATES.bad, RATES.worst]);
  const timings = on(0.25);
  const nodes: NodePlan[] = [];
  for (let i = 0; i < count; i++)
    nodes.push(drawNode(luck, { i, boot, spread, timings, rival: rival && i === count - 1 }));
  const hostile = drawHostility(seed, nodes, bias);
  const latency = luck.pick([0.5, 1, 5, 20, 20, 100]);
  const lossy = on(0.5);
  const ticking = drawTicking(seed, nodes, bias);
  // The profiles that lean to something have deaths enough.
  const exits = drawExits(Object.keys(bias).length === 0 ? seed : null, nodes.length);
  return {
    seed,
    profile: 'swarm',
    healAt: HEAL_AT,
    endAt: END_AT,
    client: {
      watch: hostile.watch(luck.pick(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'absent', 'refused'])),
      vouched: hostile.vouched,
      marks: hostile.marks,
      age: on(0.15),
      probe: luck.pick(['none', 'none', 'none', 'none', 'none', 'none', 'none', 'rare', 'rare', 'cheap']),
      // client-go shares Kubernetes leases only, and those keep whole seconds.
      resolution: on(0.7) || rival ? 1000 : 1,
      storeTime: ticking.storeTime,
      ...drawCrashProof(seed),
      lastWords: exits.lastWords,
    },
    network: {
      latency,
      jitter: luck.pick([latency, latency * 5, 500]),
      lostRequest: lossy ? some(0.5, 0.001, 0.3) : 0,
      lostResponse: lossy ? some(0.5, 0.001, 0.3) : 0,
      cut: lossy ? some(0.3, 0.001, 0.1) : 0,
      duplicate: some(0.25, 0.001, 0.1),
      late: some(0.35, 0.001, 0.15),
      staleRead: some(0.1, 0.01, 0.5),
      throttled: some(0.2, 0.001, 0.1),
      failedBefore: some(0.2, 0.001, 0.1),
      failedAfter: some(0.25, 0.001, 0.1),
      stall: some(0.2, 0.0005, 0.01),
    },
    watch: {
      lag: luck.pick([0, 0, 50, 1000, 10_000]),
      silent: some(0.3, 0.002, 0.1),
      ends: some(0.3, 0.002, 0.1),
      gone: some(0.2, 0.002, 0.1),
      replay: some(0.3, 0.01, 0.5),
      conflated: some(0.3, 0.01, 0.5),
    },
    nodes,
    work: {
      every: on(0.8) ? luck.pick([3000, 10_000, 30_000]) : 0,
      lasts: luck.pick([10, 1000, 10_000, 40_000]),
      deaf: some(0.2, 0.02, 0.5),
      throws: some(0.2, 0.02, 0.5),
      stepsDown: some(0.08, 0.005, 0.05),
    },
    jobs: ticking.jobs,
    disturbances: [
      ...drawDisturbances(luck, nodes, bias),
      ...hostile.disturbances,
      ...ticking.disturbances,
      ...exits.disturbances,
    ].toSorted((a, b) => a.at - b.at),
    askEvery: luck.pick([0, 0, 100, 1000, 7000]),
    ending: hostile.ending(luck.pick(['stop', 'stop', 'silent-stop', 'crash', 'step-down', 'none'])),
  };
}

function drawNode(
  luck: Random,
  { i, boot, spread, timings, rival }: { i: number; boot: boolean; spread: number; timings: boolean; rival: boolean },
): NodePlan {
  const leaseDuration = luck.pick([10_000, 10_900, 15_000, 15_000, 30_000]);
  const drift = luck.pick([0, 0, 0, 0.001, -0.001, 0.02]);
  const wander = luck.pick([0, 0, 0, 5000, 60_000]);
  return {
    kind: rival ? 'client-go' : 'ours',
    clocks: {
      rate: 1 + luck.between(-spread, spread),
      wallOffset: luck.pick([0, 0, luck.between(-2000, 2000), luck.between(-3.6e6, 3.6e6)]),
      // Where no boot clock tells of a suspend the wall clock has to: then its rate counts as a clock's rate.
      wallDrift: boot ? drift : Math.max(0, drift),
      wallWander: boot ? wander : 0,
      boot,
    },
    startAt: i === 0 ? 0 : luck.skewed(0, 30_000),
    options: timings ? { leaseDuration } : {},
  };
}

/** Kind, share of the seeds in which it occurs, most strikes in a history, longest lasting. */
const KINDS: readonly [DisturbanceKind, number, number, number][] = [
  ['pause', 0.35, 8, 40_000],
  ['suspend', 0.2, 6, 40_000],
  ['crash', 0.3, 6, 60_000],
  ['restart', 0.3, 6, 30_000],
  ['step-down', 0.2, 6, 0],
  ['partition', 0.35, 6, 60_000],
  ['outage', 0.2, 4, 60_000],
  ['server-stall', 0.2, 8, 15_000],
  ['slow', 0.15, 4, 60_000],
  ['forbidden', 0.08, 2, 60_000],
  ['wall-step', 0.25, 8, 0],
  ['wall-freeze', 0.12, 3, 60_000],
  ['delete', 0.1, 3, 0],
  ['edit-duration', 0.07, 3, 0],
  ['annotate', 0.08, 2, 20_000],
  ['steal', 0.07, 2, 0],
  ['blank', 0.07, 3, 0],
];

/** What servers, networks and people do that lie or refuse: kinds that came later, drawn apart, so that what was drawn before stays. */
const HOSTILE_KINDS: typeof KINDS = [
  ['forge', 0.6, 12, 60_000],
  ['restore', 0.08, 2, 120_000],
  ['strip-marks', 0.08, 3, 90_000],
  ['refuse-writes', 0.1, 3, 60_000],
  ['bad-server', 0.08, 3, 90_000],
  ['brief-watches', 0.08, 2, 120_000],
  ['credentials', 0.1, 4, 60_000],
  ['retry-after', 0.08, 4, 40_000],
];

interface Hostility {
  readonly vouched: boolean;
  readonly marks: ClientPlan['marks'];
  readonly disturbances: readonly Disturbance[];
  watch(usual: ClientPlan['watch']): ClientPlan['watch'];
  ending(usual: Plan['ending']): Plan['ending'];
}

function drawHostility(seed: number, nodes: readonly NodePlan[], bias: Bias): Hostility {
  const luck = new Random(`hostile ${seed}`);
  const isVouched = luck.chance(0.7);
  const drawnMarks = luck.pick(MARKS);
  // Only Kubernetes has client-go's replicas and policies that strip annotations, and there a watch may be believed.
  const isKubernetes = nodes.some((n) => n.kind !== 'ours') || bias['strip-marks'] === true;
  const vouched = (isVouched && !bias.forge) || isKubernetes;
  const marks = vouched ? drawnMarks : 'kept';
  const brief = luck.chance(0.03);
  const forgesSigns = luck.chance(0.5);
  const drawn: Disturbance[] = [];
  for (const [kind, share, most, longest] of HOSTILE_KINDS) {
    const strikes = 1 + luck.below(most);
    const strike = luck.chance(share) || bias[kind] === true;
    for (let i = 0; i < strikes; i++) {
      const at = luck.between(1000, HEAL_AT - 5000);
      const lasts = Math.min(luck.skewed(50, longest), HEAL_AT - at - 1000);
      const node = luck.below(nodes.length);
      const disturbance = { at, kind, node, lasts, size: drawHostileSize(luck, kind) };
      if (kind === 'restore') outlive(disturbance, luck);
      // Some say one thing once, others go on for a while.
      if (kind === 'forge' && luck.chance(0.5)) disturbance.lasts = 0;
      if (kind === 'forge' && luck.chance(0.5)) disturbance.node = -1;
      if (strike && (kind === 'forge' ? !vouched : kind !== 'strip-marks' || vouched)) drawn.push(disturbance);
    }
  }
  return {
    vouched,
    marks,
    disturbances: drawn,
    watch: (usual) => (usual === 'ok' && brief ? 'brief' : usual),
    ending: (usual) => (usual === 'crash' && !vouched && forgesSigns ? 'forged-crash' : usual),
  };
}

const MARKS = [...Array.from({ length: 30 }, () => 'kept' as const), 'stripped', 'refused'] as const;

interface Ticking {
  readonly jobs: JobPlan[];
  readonly storeTime: boolean;
  readonly disturbances: readonly Disturbance[];
}

/** Jobs with ticks, and what strikes them. Drawn apart, so that what was drawn before stays. */
function drawTicking(seed: number, nodes: NodePlan[], bias: Bias): Ticking {
  const luck = new Random(`ticks ${seed}`);
  const isForced = bias['refuse-ledger'] === true || bias['wrong-time'] === true;
  if (!luck.chance(0.3) && !isForced) return { jobs: [], storeTime: false, disturbances: [] };
  const one = luck.pick([0, 2000, 25_000, 55_000]);
  // Hours apart, no tick starts at all.
  const isFar = luck.chance(0.1);
  const apart = isFar ? 3.6e6 : one;
  // A store that shows no time is one that a single machine has, with a single clock.
  const storeTime = luck.chance(0.85) || isFar;
  for (const { clocks } of nodes) clocks.wallOffset = luck.between(-apart, apart);
  const zones = new Random(`zones ${seed}`);
  const jobs = Array.from({ length: luck.pick([1, 1, 2, 3]) }, (_, i): JobPlan => {
    const every = luck.pick([2000, 7000, 10_000, 30_000, 60_000]);
    return {
      name: `job ${i}`,
      every,
      phase: 1000 * luck.below(every / 1000),
      zone: drawZone(zones, every),
      attempts: luck.pick([1, 1, 1, 2, 3, 5]),
      catchUp: luck.pick([true, true, true, true, false, 20_000]),
      lasts: luck.pick([0, 10, 1000, 10_000, 40_000]),
      deaf: luck.pick([0, 0, 0, 0.2]),
      throws: luck.pick([0, 0, 0, 0.2]),
      hangs: luck.pick([0, 0, 0, 0, 0.01]),
      kills: luck.pick([0, 0, 0, 0, 0.02, 0.3]),
      lackedBy: luck.chance(0.1) ? 1 << luck.below(nodes.length) : 0,
      changedBy: luck.chance(0.1) ? 1 << luck.below(nodes.length) : 0,
    };
  });
  const disturbances: Disturbance[] = [];
  for (const [kind, share, longest] of [
    ['refuse-ledger', 0.15, 120_000],
    ['wrong-time', 0.1, 200_000],
  ] as const) {
    const strikes = 1 + luck.below(3);
    if (!luck.chance(share) && bias[kind] !== true) continue;
    // A suspend that a clock set back hides cannot be noticed by anybody.
    if (kind === 'wrong-time' && !nodes.every(({ clocks }) => clocks.boot)) continue;
    for (let i = 0; i < strikes; i++) {
      const at = luck.between(1000, HEAL_AT - 10_000);
      const lasts = Math.min(luck.skewed(1000, longest), HEAL_AT - at - 1000);
      const wrong = luck.pick([50_000, 3.6e6, 3.15e10]) * luck.pick([1, 1, -1]);
      const node = kind === 'wrong-time' && luck.chance(0.4) && storeTime ? luck.below(nodes.length) : -1;
      disturbances.push({ at, kind, node, lasts, size: kind === 'wrong-time' ? wrong : luck.below(3) });
    }
  }
  return { jobs, storeTime, disturbances };
}

/** Drawn apart: processes that end by themselves, where the store can still be told. Some live through it. */
function drawExits(seed: number | null, nodes: number): { lastWords: boolean; disturbances: readonly Disturbance[] } {
  const luck = new Random(`exits ${seed}`);
  if (seed === null || !luck.chance(0.2)) return { lastWords: false, disturbances: [] };
  const disturbances = Array.from({ length: 1 + luck.below(5) }, (): Disturbance => {
    const at = luck.between(20_000, HEAL_AT - 10_000);
    return { at, kind: 'exit', node: luck.below(nodes), lasts: luck.skewed(50, 8000), size: luck.chance(0.3) ? 1 : 0 };
  });
  return { lastWords: true, disturbances };
}

/** Drawn apart: a store that can prove that a holder's process has died. */
function drawCrashProof(seed: number): { crashProof?: number } {
  const luck = new Random(`crash proof ${seed}`);
  return luck.chance(0.25) ? { crashProof: luck.pick([500, 2000, 20_000]) } : {};
}

/** By a quarter of a period more than whole ones: the ticks of the two expressions of a job stay apart. */
function drawZone(luck: Random, every: number): ZonePlan | null {
  const aheadAt = 1000 * luck.below(300);
  const lasts = 1000 * (30 + luck.below(150));
  const shift = (luck.pick([0, 1, 5, 20]) + 0.25) * every;
  return luck.chance(0.5) ? { aheadAt, backAt: aheadAt + lasts, shift, fixed: luck.chance(0.5) } : null;
}

/** Some caches show the restored state at once, others what was lost forever: also after everything else has healed. */
function outlive(restore: Disturbance, luck: Random): void {
  const fate = luck.next();
  if (fate < 0.3) restore.lasts = 0;
  else if (fate > 0.7) restore.lasts = END_AT;
}

function drawHostileSize(luck: Random, kind: DisturbanceKind): number {
  switch (kind) {
    case 'forge':
      // Beyond the list: something else each time.
      return luck.below(FORGERIES.length + 3);
    case 'restore':
      return luck.pick([0, 1, 1, 2, 3, 5, 10, 40]);
    case 'strip-marks':
      return luck.below(2);
    case 'refuse-writes':
      return luck.below(4);
    case 'bad-server':
      return luck.below(6);
    case 'credentials':
      return luck.skewed(100, 10_000) * (luck.chance(0.5) ? 1 : -1);
    case 'retry-after':
      return 1 + luck.below(7);
    default:
      return 0;
  }
}

function drawDisturbances(luck: Random, nodes: readonly NodePlan[], bias: Bias): Disturbance[] {
  const drawn: Disturbance[] = [];
  const boot = nodes.every((n) => n.clocks.boot);
  for (const [kind, share, most, longest] of KINDS) {
    const strikes = 1 + luck.below(most);
    if (!luck.chance(share) && !bias[kind]) continue;
    if (kind === 'wall-freeze' && !boot) continue;
    for (let i = 0; i < strikes; i++) {
      const at = luck.between(1000, HEAL_AT - 5000);
      const lasts = Math.min(luck.skewed(50, longest), HEAL_AT - at - 1000);
      drawn.push({ at, kind, node: luck.below(nodes.length), lasts, size: drawSize(luck, kind, nodes) });
    }
  }
  return drawn.toSorted((a, b) => a.at - b.at);
}

function drawSize(luck: Random, kind: DisturbanceKind, nodes: readonly NodePlan[]): number {
  // A suspend that neither the wall clock nor a boot clock shows cannot be noticed by anybody: only tokens hold then.
  const boot = nodes.every((n) => n.clocks.boot);
  switch (kind) {
    case 'suspend':
      return boot && luck.chance(0.4) ? -luck.between(1000, 60_000) : 0;
    case 'wall-step':
      return luck.chance(0.5) ? luck.between(500, 120_000) : boot ? -luck.between(500, 120_000) : 0;
    case 'partition':
      return luck.below(3);
    case 'outage':
      return luck.below(3);
    case 'slow':
      return luck.between(200, 7000);
    case 'edit-duration':
      return luck.pick([1, 2, 5, 60]);
    case 'annotate':
      return luck.pick([150, 500, 1000]);
    default:
      return 0;
  }
}
