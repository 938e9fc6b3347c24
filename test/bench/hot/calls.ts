import { type INestApplicationContext, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  LeaderElectionModule,
  LeaderElectionService,
  type LeaseStore,
  memoryLease,
  OnlyWhenLeader,
} from 'nestjs-leader';
import { type Figure, quantile } from '../figures.js';

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

/** Boots two applications on one memory store: the first leads, the second stands by. */
export async function callFigures(): Promise<Figure[]> {
  const store = memoryLease();
  const leading = await boot(store);
  await leading.get(LeaderElectionService).whenLeader();
  const standing = await boot(store);
  try {
    const [leader, standby] = [leading.get(Jobs), standing.get(Jobs)];
    const [asLeader, asStandby] = [leading.get(LeaderElectionService), standing.get(LeaderElectionService)];
    const bare = await rounds(() => leader.bare());
    const bareAsync = await rounds(() => leader.bareAsync());
    return [
      { what: 'isLeader() on the leader', samples: await rounds(() => asLeader.isLeader()), unit: 'ns', target: 300 },
      { what: 'isLeader() on a standby', samples: await rounds(() => asStandby.isLeader()), unit: 'ns', target: 300 },
      { what: 'bare method', samples: bare, unit: 'ns' },
      added('  decorated, on the leader: added', await rounds(() => leader.guarded()), bare, 1_500),
      added('  decorated, on a standby: added', await rounds(() => standby.guarded()), bare, 1_000),
      { what: 'bare async method, awaited', samples: bareAsync, unit: 'ns' },
      added('  decorated, on the leader: added', await rounds(() => leader.guardedAsync()), bareAsync, 1_500),
      added('  decorated, on a standby: added', await rounds(() => standby.guardedAsync()), bareAsync, 1_000),
    ];
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

function added(what: string, samples: readonly number[], bare: readonly number[], target: number): Figure {
  const base = quantile(bare, 0.5);
  return { what, samples: samples.map((sample) => sample - base), unit: 'ns', target };
}

/** Nanoseconds of processor time a call (the clock on the wall would count what else the machine does), one sample a round. Between rounds the event loop turns: the election must be able to renew. */
async function rounds(call: () => unknown): Promise<number[]> {
  const samples: number[] = [];
  for (let round = -5; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < CALLS; i++) {
      const result = call();
      if (result instanceof Promise) await result;
    }
    const { user, system } = process.cpuUsage(start);
    if (round >= 0) samples.push(((user + system) * 1_000) / CALLS); // the first rounds warm up
    await new Promise((turn) => setImmediate(turn));
  }
  return samples;
}
