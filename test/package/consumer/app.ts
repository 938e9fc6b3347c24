// What a user writes, compiled against the packed package and run with each supported Node and Nest.
// oxlint-disable-next-line import/no-unassigned-import -- as every Nest application does
import 'reflect-metadata';
import { Controller, Get, Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import {
  LeaderElectionModule,
  LeaderElectionService,
  memoryLease,
  OnlyWhenLeader,
  OnLeadershipLost,
  type LeadershipTerm,
  type LossReason,
} from 'nestjs-leader';
import { LeaderElector } from 'nestjs-leader/election';
import { fencingHeaders } from 'nestjs-leader/fencing';
import { LeaderElectionTestingModule } from 'nestjs-leader/testing';

@Injectable()
class Job {
  ticks = 0;
  lost: LossReason | undefined;
  @Interval(5) @OnlyWhenLeader() tick() {
    this.ticks++;
  }
  @OnLeadershipLost() end(_term: LeadershipTerm, reason: LossReason) {
    this.lost = reason;
  }
}

@Controller()
class Api {
  constructor(private readonly election: LeaderElectionService) {}
  @Get() @OnlyWhenLeader() get() {
    return fencingHeaders(this.election.requireTerm());
  }
}

async function serve(store: ReturnType<typeof memoryLease>, fastify: boolean): Promise<INestApplication> {
  @Module({
    imports: [ScheduleModule.forRoot(), LeaderElectionModule.forRoot({ leaseName: 'consumer', store })],
    controllers: [Api],
    providers: [Job],
  })
  class App {}
  const app = fastify
    ? await NestFactory.create(App, new FastifyAdapter(), { logger: false })
    : await NestFactory.create(App, { logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await condition()); attempt++) {
    if (attempt > 500) throw new Error(`never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function assert(truth: unknown, what: string): asserts truth {
  if (!truth) throw new Error(`not true: ${what}`);
}

const store = memoryLease();
const leader = await serve(store, false);
await leader.get(LeaderElectionService).whenLeader();
const standby = await serve(store, true);
const status = async (app: INestApplication) => (await fetch(await app.getUrl())).status;

await until(() => leader.get(Job).ticks > 0);
assert((await status(leader)) === 200, 'the leader answers');
assert((await status(standby)) === 503, 'the standby refuses');
assert(standby.get(Job).ticks === 0, 'the standby does not tick');

await leader.close();
assert(leader.get(Job).lost === 'stopped', 'the leader was told that it stopped');
await until(() => standby.get(LeaderElectionService).isLeader());
await until(() => standby.get(Job).ticks > 0);
assert((await status(standby)) === 200, 'the successor answers');
await standby.close();

assert(typeof LeaderElector === 'function' && typeof LeaderElectionTestingModule === 'function', 'the subpaths load');
console.log('ok');
