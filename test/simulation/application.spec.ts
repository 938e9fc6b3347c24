import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LeaderElectionModule,
  LeaderElectionService,
  OnLeadershipAcquired,
  OnLeadershipLost,
  OnlyWhenLeader,
} from '../../lib/index.js';
import { LeaderElector } from '../../lib/election/elector.js';
import type { LeadershipTerm } from '../../lib/election/leadership-term.js';
import { ELECTOR_FACTORY } from '../../lib/leader-election.constants.js';
import { LeaseService } from './world/lease-service.js';
import { LeaseClient } from './world/lease-client.js';
import { Machine } from './world/machine.js';
import { inOwnTask } from './world/microtasks.js';
import { Network } from './world/network.js';
import { Process } from './world/process.js';
import { calm } from './scenarios/calm.js';
import { World } from './world/world.js';

/** What an operator, a platform or a careless colleague does to an application, and when. */
interface Act {
  at: number;
  replica: number;
  what: 'close' | 'stop' | 'stepDown' | 'pause' | 'work' | 'hang' | 'throw';
}

const MINUTE = 60_000;
const DRAIN = 5000;

/** Two real Nest applications on one simulated store, on virtual time. */
async function play(acts: readonly Act[]): Promise<string[]> {
  const world = new World(1);
  const plan = calm(2, 3);
  const service = new LeaseService(world);
  const network = new Network(world, service, plan.network, world.random.stream('network'));
  const broken: string[] = [];
  const replicas = await Promise.all([0, 1].map((i) => boot(world, network, i, broken)));
  for (const act of acts) {
    const { app, election, job, machine } = replicas[act.replica]!;
    world.at(act.at, () => {
      const run = {
        close: () => app.close(),
        stop: () => election.stop(),
        stepDown: () => election.stepDown(),
        work: () => job.work(20),
        hang: () => job.work(DRAIN * 3),
        throw: () => job.fail(),
      };
      if (act.what !== 'pause')
        machine.deliver(() => void Promise.resolve(run[act.what as keyof typeof run]()).catch(() => undefined));
      else if (machine.halt(false)) world.after(20_000, () => machine.resume());
    });
  }
  const ask = (): void => {
    const leaders = replicas.filter((r) => r.machine.running && r.election.isLeader());
    if (leaders.length > 1) broken.push(`two leaders at ${world.now}`);
    world.after(97, ask);
  };
  ask();
  service.onChange = (_before, after, by) => {
    const writer = replicas.find((r) => r.process === by);
    if (after.object?.holder === '' && writer && writer.job.running > 0)
      broken.push(`released with work running at ${world.now}`);
  };
  await inOwnTask(() => world.run(2 * MINUTE));
  const left = replicas.filter(
    (r) => !acts.some((a) => replicas[a.replica] === r && (a.what === 'close' || a.what === 'stop')),
  );
  if (left.length > 0 && !left.some((r) => r.election.isLeader())) broken.push('nobody leads two minutes later');
  // Close what is still open; their timers are virtual, so time has to go on for it.
  const closing = Promise.all(replicas.map(({ app }) => app.close()));
  await new Promise((resolve) => setImmediate(resolve));
  await inOwnTask(() => world.run(3 * MINUTE));
  await closing;
  for (const { election } of replicas) if (election.isLeader()) broken.push('leads after it was closed');
  return broken;
}

async function boot(world: World, network: Network, index: number, broken: string[]) {
  const clocks = { rate: 1, wallOffset: 0, wallDrift: 0, wallWander: 0, boot: true };
  const machine = new Machine(world, index, clocks, world.random.stream(`machine ${index}`));
  const process = new Process(machine, 1, world.random.stream(`process ${index}`));
  const hooks = { isDead: () => false, learned: () => undefined, writes: () => undefined };
  const { client, watch } = calm(2, 3);
  const store = new LeaseClient(process, network, client, watch, hooks);

  @Injectable()
  class Job {
    running = 0;
    private told = 'lost';

    @OnlyWhenLeader()
    async work(milliseconds: number): Promise<void> {
      this.running++;
      await new Promise<void>((resolve) => void process.setTimer(resolve, milliseconds));
      this.running--;
    }

    @OnlyWhenLeader()
    async fail(): Promise<void> {
      throw new Error('work fails');
    }

    @OnLeadershipAcquired()
    acquired(_term: LeadershipTerm): void {
      if (this.told !== 'lost') broken.push('acquired twice');
      this.told = 'acquired';
    }

    @OnLeadershipLost()
    lost(): void {
      if (this.told !== 'acquired') broken.push('lost twice');
      this.told = 'lost';
    }
  }

  @Module({
    imports: [LeaderElectionModule.forRoot({ leaseName: 'job', store, drainTimeout: DRAIN })],
    providers: [Job],
  })
  class AppModule {}

  const app = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(ELECTOR_FACTORY)
    .useValue(
      (config: ConstructorParameters<typeof LeaderElector>[0]) =>
        new LeaderElector({ ...config, clock: process, chance: process }),
    )
    .setLogger({ log() {}, warn() {}, error() {} })
    .compile();
  await app.init();
  const election = app.get(LeaderElectionService);
  process.identity = election.identity;
  return { app, election, job: app.get(Job), machine, process };
}

describe('a Nest application on virtual time', () => {
  it('keeps its promises whatever is done to it, in whatever order', { timeout: 300_000 }, async () => {
    const act: fc.Arbitrary<Act> = fc.record({
      at: fc.integer({ min: 0, max: MINUTE }),
      replica: fc.nat(1),
      what: fc.constantFrom('close', 'stop', 'stepDown', 'stepDown', 'pause', 'work', 'work', 'hang', 'throw'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        expect(await play(acts)).toEqual([]);
      }),
      { seed: 1, numRuns: 40 },
    );
  });
});
