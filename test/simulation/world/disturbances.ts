import type { Contender } from './contender.js';
import { FORGERIES, type Forger } from './forger.js';
import type { Network, WriteFault } from './network.js';
import type { Random } from './random.js';
import type { Disturbance } from './plan.js';
import { Mark } from './timeline.js';
import type { World } from './world.js';

export interface Stage {
  readonly world: World;
  readonly network: Network;
  readonly contenders: readonly Contender[];
  readonly forger: Forger;
  readonly luck: Random;
  /** Asks everybody whether it leads: what a replica does first when it wakes matters most. */
  ask(why: string): void;
}

const ADMIN = { node: -1, identity: 'admin' };

/** Lets one disturbance strike, and undoes it when its time is over. */
export function strike(stage: Stage, disturbance: Disturbance): void {
  const { world, network, contenders } = stage;
  const { kind, node, lasts, size } = disturbance;
  const contender = contenders[node];
  const later = (run: () => void): void => void world.after(lasts, run);
  world.count(kind);
  switch (kind) {
    case 'pause':
    case 'suspend':
      return halt(stage, contender!, disturbance);
    case 'crash':
      contender!.crash();
      return later(() => contender!.start());
    case 'exit':
      if (contender!.exitByItself) contender!.exitByItself(size === 1);
      else contender!.crash();
      return later(() => contender!.start());
    case 'restart':
      contender!.stop();
      return later(() => startAgain(world, contender!));
    case 'step-down':
      return contender!.stepDown();
    case 'partition':
      return partition(stage, disturbance);
    case 'outage':
      network.outage = (['hang', 'refuse', 'error'] as const)[size % 3]!;
      world.mark(Mark.Outage, -1, lasts, network.outage);
      return later(() => (network.outage = null));
    case 'server-stall':
      network.stalledUntil = Math.max(network.stalledUntil, world.now + lasts);
      return world.mark(Mark.Stall, -1, lasts);
    case 'slow': {
      const link = network.link(node);
      link.slow = size / 2;
      world.mark(Mark.Slow, node, size);
      return later(() => (link.slow = 0));
    }
    case 'forbidden': {
      const link = network.link(node);
      link.forbidden = true;
      return later(() => (link.forbidden = false));
    }
    case 'wall-step':
      return contender!.machine.stepWall(size);
    case 'wall-freeze':
      contender!.machine.freezeWall(true);
      return later(() => contender!.machine.freezeWall(false));
    case 'forge':
      return forge(stage, disturbance);
    case 'restore':
      return network.service.restore(size, lasts);
    case 'strip-marks': {
      const { service } = network;
      service.marks = size === 1 ? 'refused' : 'stripped';
      return later(() => (service.marks = service.usualMarks));
    }
    case 'refuse-writes': {
      const fault = { kind: (['conflict', 500, 403, 422] satisfies WriteFault[])[size % 4]!, since: world.now };
      network.writeFault = fault;
      world.mark(Mark.Outage, -1, lasts, `every write meets ${fault.kind}`);
      return later(() => {
        if (network.writeFault === fault) network.writeFault = null;
      });
    }
    case 'bad-server': {
      const servers = { count: 2 + (size % 3), status: size >= 3 ? 503 : 500 } as const;
      network.servers = servers;
      for (const { index } of contenders) network.reconnect(index);
      world.mark(Mark.Outage, -1, lasts, `one of ${servers.count} servers answers ${servers.status}`);
      return later(() => {
        if (network.servers === servers) network.servers = null;
      });
    }
    case 'brief-watches':
      network.briefWatches = true;
      // Those that are open end too.
      for (const breakOff of network.watches) breakOff();
      return later(() => (network.briefWatches = false));
    case 'credentials':
      return flicker(stage, disturbance);
    case 'refuse-ledger': {
      const fate = (['refused', 'failed', 'stripped'] as const)[size % 3]!;
      network.service.ledgers = fate;
      world.mark(Mark.Outage, -1, lasts, `ledger ${fate}`);
      return later(() => (network.service.ledgers = 'kept'));
    }
    case 'wrong-time': {
      // What all follow is wrong: the store and every machine, or one machine alone.
      const set = (by: number): void => {
        for (const { machine } of node < 0 ? contenders : [contender!]) machine.stepWall(by);
        if (node < 0) network.service.clockError += by;
      };
      set(size);
      return later(() => set(-size));
    }
    case 'retry-after':
      Object.assign(network.leaveAlone, { read: (size & 1) > 0, write: (size & 2) > 0, watch: (size & 4) > 0 });
      world.mark(Mark.Outage, -1, lasts, 'the service asks to be left alone');
      return later(() => Object.assign(network.leaveAlone, { read: false, write: false, watch: false }));
    default:
      return administer(stage, disturbance);
  }
}

/** Once, or twice a second for as long as it lasts. A size beyond the list: each time something else. */
function forge(stage: Stage, { node, lasts, size }: Disturbance): void {
  const { world, forger, luck } = stage;
  const until = world.now + lasts;
  const say = (): void => {
    forger.say(FORGERIES[size] ?? luck.pick(FORGERIES), node);
    if (world.now + 500 <= until) world.after(500, say);
  };
  say();
}

/** Credentials that are taken and not taken in turn; a negative size: for watches alone. */
function flicker({ world, network }: Stage, { node, lasts, size }: Disturbance): void {
  const until = world.now + lasts;
  const turn = (refused: boolean): void => {
    const over = world.now >= until;
    network.link(node).unauthorized = over || !refused ? 'no' : size < 0 ? 'watches' : 'all';
    if (!over) world.after(Math.min(Math.abs(size), until - world.now), () => turn(!refused));
  };
  turn(true);
}

/** An orderly exit may take its time: work is drained first. */
function startAgain(world: World, contender: Contender): void {
  if (contender.process?.alive) world.after(1000, () => startAgain(world, contender));
  else contender.start();
}

function halt({ world, ask }: Stage, { machine }: Contender, { kind, lasts, size }: Disturbance): void {
  const suspend = kind === 'suspend';
  if (!machine.halt(suspend)) return;
  world.after(lasts, () => {
    if (machine.running) return;
    if (size !== 0) machine.stepWall(size);
    machine.resume();
    // The boot clock shows a suspend that a set or frozen wall clock hides, and it is read every 100 ms of running time.
    if (suspend) machine.blindUntil = world.now + 101 / machine.clocks.rate;
    ask('a machine wakes');
  });
}

function partition({ world, network }: Stage, { node, lasts, size }: Disturbance): void {
  const link = network.link(node);
  link.up = size === 1;
  link.down = size === 2;
  world.mark(
    Mark.Partition,
    node,
    lasts,
    link.up ? 'nothing comes back' : link.down ? 'nothing gets out' : 'both ways',
  );
  world.after(lasts, () => {
    link.up = link.down = true;
    world.mark(Mark.Heal, node);
  });
}

/** What people do to leases with kubectl. */
function administer({ world, network }: Stage, { kind, lasts, size }: Disturbance): void {
  const { service } = network;
  const { object } = service.current;
  if (!object) return;
  world.mark(Mark.Admin, -1, size, kind);
  switch (kind) {
    case 'delete':
      return service.overwrite(null, ADMIN);
    case 'edit-duration':
      return service.overwrite({ ...object, durationSeconds: size }, ADMIN);
    case 'steal':
      return service.overwrite({ ...object, holder: 'admin' }, ADMIN);
    case 'blank':
      return service.overwrite({ ...object, holder: '' }, ADMIN);
    case 'annotate': {
      const until = world.now + lasts;
      const edit = (): void => {
        const now = service.current.object;
        if (now) service.overwrite({ ...now, edits: now.edits + 1 }, ADMIN);
        if (world.now + size < until) world.after(size, edit);
      };
      return edit();
    }
  }
}
