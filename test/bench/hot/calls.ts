import { type INestApplicationContext, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  LeaderElectionModule,
  LeaderElectionService,
  type LeaseStore,
  memoryLease,
  OnlyWhenLeader,
} from 'nestjs-leader';
import { type Figure, printFigures } from '../figures.js';
import type { Lab } from '../lab.js';

const WARM_UP = 5;
const ROUNDS = 40;
const CALLS = 100_000;

@Injectable()
class Jobs {
  count = 0;

  bare(): number {
    return ++this.count;
  }

  @OnlyWhenLeader()
  guarded(): number {
    return ++this.count;
  }

  async bareAsync(): Promise<number> {
    return ++this.count;
  }

  @OnlyWhenLeader()
  async guardedAsync(): Promise<number> {
    return ++this.count;
  }
}

/** What the library adds to a call. Two applications on one memory store: the first leads, the second stands by. */
export async function calls(_lab: Lab): Promise<void> {
  const store = memoryLease();
  const leading = await boot(store);
  await leading.get(LeaderElectionService).whenLeader();
  const standing = await boot(store);
  try {
    const [leader, standby] = [leading.get(Jobs), standing.get(Jobs)];
    const [asLeader, asStandby] = [leading.get(LeaderElectionService), standing.get(LeaderElectionService)];
    printFigures([
      {
        what: 'isLeader() on the leader',
        samples: (await inTurn(() => asLeader.isLeader()))[0]!,
        unit: 'ns',
        target: 300,
      },
      {
        what: 'isLeader() on a standby',
        samples: (await inTurn(() => asStandby.isLeader()))[0]!,
        unit: 'ns',
        target: 300,
      },
      ...(await beside('method', () => leader.bare(), {
        leader: () => leader.guarded(),
        standby: () => standby.guarded(),
      })),
      ...(await beside('async method, awaited', () => leader.bareAsync(), {
        leader: () => leader.guardedAsync(),
        standby: () => standby.guardedAsync(),
      })),
    ]);
  } finally {
    await standing.close();
    await leading.close();
  }
}

function boot(store: LeaseStore): Promise<INestApplicationContext> {
  @Module({ imports: [LeaderElectionModule.forRoot({ leaseName: 'bench', store })], providers: [Jobs] })
  class BenchModule {}
  return NestFactory.createApplicationContext(BenchModule, { logger: false });
}

/** The decorated method on top of the bare one: round by round in turn, so that what else the machine does hits both. */
async function beside(
  what: string,
  bare: () => unknown,
  decorated: { leader: () => unknown; standby: () => unknown },
): Promise<Figure[]> {
  const samples = await inTurn(bare, decorated.leader, decorated.standby);
  const added = (to: number) => samples[to]!.map((sample, round) => sample - samples[0]![round]!);
  return [
    { what: `bare ${what}`, samples: samples[0]!, unit: 'ns' },
    { what: '  decorated, on the leader: added', samples: added(1), unit: 'ns', target: 1_500 },
    { what: '  decorated, on a standby: added', samples: added(2), unit: 'ns', target: 1_000 },
  ];
}

/**
 * Nanoseconds of processor time a call, one sample a round: the clock on the wall would count other processes too.
 * Between rounds the event loop turns, or the election could not renew.
 */
async function inTurn(...calls: (() => unknown)[]): Promise<number[][]> {
  const samples: number[][] = calls.map(() => []);
  for (let round = -WARM_UP; round < ROUNDS; round++)
    for (const [i, call] of calls.entries()) {
      const took = await nanoseconds(call);
      if (round >= 0) samples[i]!.push(took);
      await new Promise((turn) => setImmediate(turn));
    }
  return samples;
}

async function nanoseconds(call: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  for (let i = 0; i < CALLS; i++) {
    const result = call();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1_000) / CALLS;
}
