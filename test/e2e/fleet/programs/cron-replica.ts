import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, CronExpression, ScheduleModule } from '@nestjs/schedule';
import { LeaderElectionModule, OnlyWhenLeader } from 'nestjs-leader';
import { LeaderElectionService } from 'nestjs-leader';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../replica-lines.js';
import { mountedServiceAccount } from './mounted-service-account.js';
import { replicaOptions } from './replica-options.js';
import { sample, say } from './replica-voice.js';

// What a user of nestjs-k8s-leader-election has after the change that docs/coming-from.md shows: a cron job, and nothing that knows of events.

const options = replicaOptions();
// The store is what the module chooses by itself in a pod.
mountedServiceAccount(options.serviceAccount);
process.env.PORT = '0';

@Injectable()
class Invoices {
  constructor(private readonly election: LeaderElectionService) {}

  @Cron(CronExpression.EVERY_SECOND)
  @OnlyWhenLeader()
  async process() {
    await this.send();
  }

  /** Something else that takes its time to close. */
  async onApplicationShutdown(): Promise<void> {
    say({ kind: 'stopped', t: monotonic() });
    await sleep(options.linger);
  }

  private async send(): Promise<void> {
    say({ kind: 'admitted', t: monotonic(), token: String(this.election.requireTerm().fencingToken) });
  }
}

@Module({
  imports: [ScheduleModule.forRoot(), LeaderElectionModule.forRoot({ leaseName: 'orders-worker' })],
  providers: [Invoices],
})
class AppModule {}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000);

const election = app.get(LeaderElectionService);
election.leader$.subscribe((holder) => holder !== null && say({ kind: 'holder', t: monotonic(), holder }));
sample(election, options.sampleEvery);
say({ kind: 'ready', t: monotonic() });
