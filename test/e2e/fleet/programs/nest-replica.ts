import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  LeaderElectionModule,
  LeaderElectionService,
  type LeadershipTerm,
  type LossReason,
  OnLeadershipAcquired,
  OnLeadershipLost,
  OnlyWhenLeader,
} from 'nestjs-leader';
import { monotonic } from '../replica-lines.js';
import { mountedServiceAccount } from './mounted-service-account.js';
import { replicaOptions } from './replica-options.js';
import { sample, say } from './replica-voice.js';

// A replica as users have it: a Nest application with a decorated handler.

const options = replicaOptions();
const store = mountedServiceAccount(options.serviceAccount);

@Injectable()
class Work implements OnApplicationShutdown {
  constructor(private readonly election: LeaderElectionService) {}

  @OnLeadershipAcquired()
  begin(): void {
    this.handle();
  }

  @OnlyWhenLeader()
  handle(): void {
    say({ kind: 'admitted', t: monotonic(), token: String(this.election.requireTerm().fencingToken) });
  }

  @OnLeadershipLost()
  end(term: LeadershipTerm, reason: LossReason): void {
    say({ kind: 'lost', t: monotonic(), token: String(term.fencingToken), reason });
  }

  onApplicationShutdown(): void {
    say({ kind: 'stopped', t: monotonic() });
  }
}

@Module({ imports: [LeaderElectionModule.forRoot({ ...options.election, store })], providers: [Work] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
app.enableShutdownHooks();
const election = app.get(LeaderElectionService);
election.leader$.subscribe((holder) => holder !== null && say({ kind: 'holder', t: monotonic(), holder }));
sample(election, options.sampleEvery);
process.once('SIGUSR2', () => {
  if (options.endBy === 'exception') throw new Error('the end of this process');
  if (options.endBy === 'rejection') void Promise.reject(new Error('the end of this process'));
  else process.exit(1);
});
say({ kind: 'ready', t: monotonic() });
