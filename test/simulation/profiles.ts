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

  /** Answers that come late, on clocks as far apart as they may be, to leaders that are cut off now and then. */
  'late-answers'(seed: number): Plan {
    const plan = swarm(seed, { partition: true });
    for (const [i, node] of plan.nodes.entries()) {
      node.kind = 'ours';
      node.clocks.rate = i % 2 === 0 ? 0.9 : 1.1;
    }
    Object.assign(plan.network, { latency: 20, jitter: 900 });
    Object.assign(plan.client, { watch: 'ok', probe: 'none' });
    for (let at = 30_000; at < plan.healAt - 40_000; at += 40_000)
      plan.disturbances.push({ at, kind: 'partition', node: 0, lasts: 20_000, size: 0 });
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

  /** Somebody with kubectl shortens the lease and names another holder, while the leader cannot hear of it. */
  seized(seed: number): Plan {
    const plan = swarm(seed, { 'edit-duration': true, steal: true, partition: true });
    for (let at = 60_000; at < plan.healAt - 40_000; at += 60_000) {
      const node = (at / 60_000) % plan.nodes.length;
      plan.disturbances.push({ at, kind: 'partition', node, lasts: 20_000, size: 0 });
      plan.disturbances.push({ at: at + 500, kind: 'edit-duration', node, lasts: 100, size: 2 });
      plan.disturbances.push({ at: at + 500 + 100 * (seed % 30), kind: 'steal', node, lasts: 100, size: 0 });
    }
    return plan;
  },

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
    vouch(plan);
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
    vouch(plan);
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
    // Stopped just when its claim after an expired term got lost, while work of that term still runs.
    if (seed % 2 === 1) return plan;
    for (let at = 60_000; at < plan.healAt - 40_000; at += 60_000) {
      const node = (at / 60_000) % plan.nodes.length;
      plan.disturbances.push({ at, kind: 'partition', node, lasts: 14_000, size: 0 });
      plan.disturbances.push({ at: at + 14_000 + (seed % 9) * 100, kind: 'restart', node, lasts: 100, size: 0 });
    }
    return plan;
  },

  /** A channel on which anybody may speak: leaders that cannot get a word out or die, and somebody who speaks in their name. */
  forged(seed: number): Plan {
    const plan = swarm(seed, { forge: true, crash: true, partition: true });
    for (const node of plan.nodes) node.kind = 'ours';
    Object.assign(plan.client, { vouched: false, marks: 'kept', watch: 'ok', probe: 'none' });
    for (const d of plan.disturbances) {
      // The watch goes on while nothing gets out.
      if (d.kind === 'partition') d.size = 2;
      if (d.kind === 'forge') d.node = seed % 2 === 0 ? -1 : d.node;
    }
    if (seed % 3 === 0) plan.ending = 'forged-crash';
    return plan;
  },

  /** A store that comes back from a backup, behind caches that live in its future. */
  restored(seed: number): Plan {
    const plan = swarm(seed, { restore: true, crash: true, 'step-down': true });
    plan.client.watch = 'ok';
    if (seed % 2 === 0) {
      const at = plan.healAt - 20_000 - 1000 * (seed % 40);
      plan.disturbances.push({ at, kind: 'restore', node: -1, lasts: plan.endAt, size: 1 + (seed % 9) });
    }
    return plan;
  },

  /** Jobs: crashes, releases and outages in the middle of their ticks. */
  ticks(seed: number): Plan {
    const plan = swarm(seed, { 'refuse-ledger': true, crash: true, restart: true, partition: true, 'step-down': true });
    if (seed % 3 === 0)
      plan.disturbances.push({ at: 200_000 + 1000 * (seed % 90), kind: 'delete', node: -1, lasts: 0, size: 0 });
    // One has not heard of the latest ticks when the lease goes, and all others with it.
    if (seed % 3 === 1) {
      const at = 200_000 + 1000 * (seed % 90);
      const node = seed % plan.nodes.length;
      // It knows for how long to keep away, whoever has led meanwhile.
      for (const { options } of plan.nodes) delete options.leaseDuration;
      plan.disturbances.push({ at: at - 20_000, kind: 'partition', node, lasts: 21_000, size: 0 });
      plan.disturbances.push({ at, kind: 'delete', node: -1, lasts: 0, size: 0 });
      for (const i of plan.nodes.keys())
        if (i !== node) plan.disturbances.push({ at, kind: 'crash', node: i, lasts: 60_000, size: 0 });
    }
    return plan;
  },

  /** Clocks an hour and a year off, everywhere at once and on one machine, beside jobs. */
  'wrong-time': (seed: number) => swarm(seed, { 'wrong-time': true, crash: true, 'step-down': true }),

  /** Every clock goes an hour ahead and is set right again: before what was claimed has started, or while a term begins. */
  glitches(seed: number): Plan {
    const plan = swarm(seed, { 'wrong-time': true });
    plan.disturbances = [];
    plan.client.storeTime = true;
    for (const { clocks } of plan.nodes) clocks.boot = true;
    for (const job of plan.jobs) if (seed % 2 === 0) job.catchUp = false;
    const isShort = seed % 3 > 0;
    for (let at = 120_000 + 500 * (seed % 60); at < plan.healAt - 40_000; at += isShort ? 7300 : 70_000) {
      const lasts = isShort ? 40 + (seed % 400) : 20_000;
      plan.disturbances.push({ at, kind: 'wrong-time', node: -1, lasts, size: 3.6e6 });
      for (const node of plan.nodes.keys())
        if (!isShort) plan.disturbances.push({ at: at + 5000, kind: 'step-down', node, lasts: 0, size: 0 });
    }
    return plan;
  },

  /** A clock set back for a while, so that marks are reset; then a restore to before that, which only one replica remembers. */
  'reset-and-restored'(seed: number): Plan {
    const plan = swarm(seed, { 'wrong-time': true, 'step-down': true });
    plan.client.storeTime = true;
    // A suspend that a clock set back hides cannot be noticed by anybody.
    for (const { clocks } of plan.nodes) clocks.boot = true;
    for (const job of plan.jobs) job.attempts = Math.max(2, job.attempts);
    const at = 100_000 + 1000 * (seed % 90);
    plan.disturbances.push({ at, kind: 'wrong-time', node: -1, lasts: 8000, size: -3.6e6 });
    plan.disturbances.push({ at: at + 20_000, kind: 'restore', node: -1, lasts: 0, size: 10 + (seed % 50) });
    for (const node of plan.nodes.keys()) {
      if (node !== seed % plan.nodes.length)
        plan.disturbances.push({ at: at + 21_000, kind: 'crash', node, lasts: 1000, size: 0 });
      plan.disturbances.push({ at: at + 60_000 + 20_000 * node, kind: 'step-down', node, lasts: 0, size: 0 });
    }
    return plan;
  },

  /** Processes die, and most deaths are proven. */
  /** Processes that end by themselves, with a last word, and some that live on. */
  exits(seed: number): Plan {
    const plan = swarm(seed, { partition: true, 'step-down': true, pause: true });
    plan.client.lastWords = true;
    if (seed % 2 === 0) Object.assign(plan.work, { every: 3000, lasts: 40_000, deaf: 0.2 });
    for (let at = 20_000 + (seed % 20_000); at < plan.healAt - 10_000; at += 25_000) {
      const node = (at + seed) % plan.nodes.length;
      plan.disturbances.push({ at, kind: 'exit', node, lasts: 8000, size: (at + (seed >> 3)) % 3 === 0 ? 1 : 0 });
    }
    return plan;
  },

  'proven-crashes'(seed: number): Plan {
    const plan = swarm(seed, { crash: true, restart: true, 'step-down': true });
    plan.client.crashProof = [500, 2000, 20_000][seed % 3]!;
    plan.client.probe = 'none';
    for (const node of plan.nodes) node.kind = 'ours';
    return plan;
  },

  /** Policies that let no annotation through. */
  unmarked(seed: number): Plan {
    const plan = swarm(seed, { 'strip-marks': true, restart: true, crash: true });
    if (seed % 2 === 0) plan.client.marks = seed % 4 === 0 ? 'stripped' : 'refused';
    plan.network.lostResponse = 0.05;
    return plan;
  },

  /** Servers that answer, and refuse. */
  refusals: (seed: number) => swarm(seed, { 'refuse-writes': true, 'bad-server': true, credentials: true }),

  /** Writes are refused while somebody rings: every ring must not make another attempt. */
  besieged(seed: number): Plan {
    const plan = swarm(seed, { forge: true, 'refuse-writes': true });
    Object.assign(plan.client, { vouched: false, marks: 'kept', watch: 'ok', probe: 'none' });
    for (const node of plan.nodes) node.kind = 'ours';
    for (let at = 60_000; at < plan.healAt - 60_000; at += 120_000) {
      plan.disturbances.push({ at, kind: 'refuse-writes', node: -1, lasts: 60_000, size: 0 });
      plan.disturbances.push({ at, kind: 'forge', node: -1, lasts: 60_000, size: seed % 12 });
    }
    return plan;
  },

  /** Outages that end while the watch goes on: what failed has to be asked again. */
  aftermath(seed: number): Plan {
    const plan = swarm(seed, { outage: true });
    Object.assign(plan.client, { marks: 'kept', watch: 'ok', probe: 'none' });
    vouch(plan);
    for (const [i, node] of plan.nodes.entries()) {
      node.kind = 'ours';
      // Polls of the one are rarer than renewals of the other.
      node.options.leaseDuration = i % 2 === 0 ? 10_000 : 30_000;
    }
    plan.disturbances.push({ at: plan.healAt - 8_000, kind: 'outage', node: -1, lasts: 6_000, size: seed % 3 });
    return plan;
  },

  /** Servers that ask for patience, and watches that end at once. */
  patience(seed: number): Plan {
    const plan = swarm(seed, { 'retry-after': true, 'brief-watches': true });
    plan.client.watch = seed % 3 === 0 ? 'brief' : 'ok';
    return plan;
  },
} as const satisfies Record<string, (seed: number) => Plan>;

/** client-go knows Kubernetes leases only, and what their watches show may be believed. */
function vouch(plan: Plan): void {
  plan.client.vouched = true;
  plan.disturbances = plan.disturbances.filter((d) => d.kind !== 'forge');
  if (plan.ending === 'forged-crash') plan.ending = 'crash';
}

export type Profile = keyof typeof PROFILES;
