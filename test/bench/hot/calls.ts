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
const CALLS = 100_000;

@Injectable()
class Jobs {
  count = 0;

  bare(): number {
    return ++this.count;
  }

  byHand(election: LeaderElectionService): number | undefined {
    if (election.isLeader()) return ++this.count;
    return undefined;
  }

  @OnlyWhenLeader()
  guarded(): number {
    return ++this.count;
  }

  async bareAsync(): Promise<number> {
    return ++this.count;
  }

  async byHandAsync(election: LeaderElectionService): Promise<number | undefined> {
    if (election.isLeader()) return ++this.count;
    return undefined;
  }

  @OnlyWhenLeader()
  async guardedAsync(): Promise<number> {
    return ++this.count;
  }
}

/** What the library adds to a call. Two applications on one memory store: the first leads, the second stands by. */
export async function calls(lab: Lab): Promise<void> {
  const rounds = lab.amount(40, 5);
  const store = memoryLease();
  const leading = await boot(store);
  await leading.get(LeaderElectionService).whenLeader();
  const standing = await boot(store);
  try {
    const [leader, standby] = [leading.get(Jobs), standing.get(Jobs)];
    const [asLeader, asStandby] = [leading.get(LeaderElectionService), standing.get(LeaderElectionService)];
    const [isLeader, isStandby] = await inTurn(
      rounds,
      () => asLeader.isLeader(),
      () => asStandby.isLeader(),
    );
    printFigures([
      { what: 'isLeader() on the leader', samples: isLeader!, unit: 'ns', target: 300 },
      { what: 'isLeader() on a standby', samples: isStandby!, unit: 'ns', target: 300 },
      ...(await beside(rounds, 'method', () => leader.bare(), {
        'a hand-written if, on the leader': () => leader.byHand(asLeader),
        'a hand-written if, on a standby': () => standby.byHand(asStandby),
        'decorated, on the leader': () => leader.guarded(),
        'decorated, on a standby': () => standby.guarded(),
      })),
      ...(await beside(rounds, 'async method, awaited', () => leader.bareAsync(), {
        'a hand-written if, on the leader': () => leader.byHandAsync(asLeader),
        'a hand-written if, on a standby': () => standby.byHandAsync(asStandby),
        'decorated, on the leader': () => leader.guardedAsync(),
        'decorated, on a standby': () => standby.guardedAsync(),
        'runIfLeader(), on the leader': () => asLeader.runIfLeader(() => leader.bareAsync()),
        'runIfLeader(), on a standby': () => asStandby.runIfLeader(() => standby.bareAsync()),
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

/** What each costs on top of the bare method: round by round in turn, so that what else the machine does hits all. */
async function beside(
  rounds: number,
  what: string,
  bare: () => unknown,
  others: Record<string, () => unknown>,
): Promise<Figure[]> {
  const [alone, ...samples] = await inTurn(rounds, bare, ...Object.values(others));
  return [
    { what: `bare ${what}`, samples: alone!, unit: 'ns' },
    ...Object.keys(others).map((name, i): Figure => {
      const added = samples[i]!.map((sample, round) => sample - alone![round]!);
      return {
        what: `  ${name}: added`,
        samples: added,
        unit: 'ns',
        target: /decorated/.test(name) ? 1_500 : undefined,
      };
    }),
  ];
}

/**
 * Nanoseconds of processor time a call, one sample a round: the clock on the wall would count other processes too.
 * Between rounds the event loop turns, or the election could not renew.
 */
async function inTurn(rounds: number, ...calls: (() => unknown)[]): Promise<number[][]> {
  const samples: number[][] = calls.map(() => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, call] of calls.entries()) {
      const took = await nanoseconds(call);
      if (round >= 0) samples[i]!.push(took);
      await new Promise((turn) => setImmediate(turn));
    }
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
