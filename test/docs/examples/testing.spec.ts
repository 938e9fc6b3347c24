import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getLeaderElectionToken,
  LeaderElectionModule,
  LeaderElectionService,
  memoryLease,
  OnlyWhenLeader,
  type LeaderElectionOptions,
} from 'nestjs-leader';
import {
  LeaderElectionTestingModule,
  LeadershipControl,
  overrideLeaderElection,
  withLeadership,
} from 'nestjs-leader/testing';
import { describe, expect, it, onTestFinished } from 'vitest';

@Injectable()
class Invoices {
  @OnlyWhenLeader()
  send(): string | undefined {
    return 'sent';
  }
}

@Injectable()
class Import {
  constructor(private readonly election: LeaderElectionService) {}

  @OnlyWhenLeader()
  async run(): Promise<string> {
    const { signal } = this.election.requireTerm();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return 'stopped in time';
  }
}

@Injectable()
class Report {
  constructor(private readonly election: LeaderElectionService) {}

  heading(): string {
    return this.election.isLeader() ? 'by the leader' : 'by a standby';
  }
}

@Module({
  imports: [
    LeaderElectionModule.forRoot({ leaseName: 'invoices' }),
    LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'reports' }),
  ],
  providers: [Invoices],
})
class AppModule {}

async function start(options: LeaderElectionOptions) {
  const app = await Test.createTestingModule({ imports: [LeaderElectionModule.forRoot(options)] }).compile();
  onTestFinished(() => app.close());
  await app.init();
  return app;
}

describe('the examples about testing', () => {
  it('sends only while this replica leads', async () => {
    const app = await Test.createTestingModule({
      imports: [LeaderElectionTestingModule.forRoot({ leader: true })],
      providers: [Invoices],
    }).compile();
    await app.init();

    expect(app.get(Invoices).send()).toBe('sent');

    await app.get(LeadershipControl).revoke();
    expect(app.get(Invoices).send()).toBeUndefined();
    await app.close();
  });

  it('as the README has it', async () => {
    const app = await Test.createTestingModule({
      imports: [LeaderElectionTestingModule.forRoot({ leader: true })], // from nestjs-leader/testing: no store
      providers: [Invoices],
    }).compile();
    await app.init();
    await app.get(LeadershipControl).revoke();
    await app.close();
  });

  it('the whole application', async () => {
    const control = new LeadershipControl();
    const app = await overrideLeaderElection(Test.createTestingModule({ imports: [AppModule] }), control).compile();
    await app.init();
    await control.grant();
    expect(app.get(Invoices).send()).toBe('sent');
    expect(app.get<LeaderElectionService>(getLeaderElectionToken('reports')).isLeader()).toBe(false);
    await control.grant('reports');
    expect(app.get<LeaderElectionService>(getLeaderElectionToken('reports')).isLeader()).toBe(true);
    await app.close();
  });

  it('a class alone', async () => {
    const invoices = new Invoices();
    const control = await withLeadership(invoices);
    expect(invoices.send()).toBe('sent');
    await control.revoke();
    expect(invoices.send()).toBeUndefined();
  });

  it('a stub', async () => {
    const module = await Test.createTestingModule({
      imports: [LeaderElectionTestingModule.forRoot()],
      providers: [Report],
    })
      .overrideProvider(getLeaderElectionToken())
      .useValue({ isLeader: () => true })
      .compile();
    expect(module.get(Report).heading()).toBe('by the leader');
  });

  it('work that is cut short', async () => {
    const app = await Test.createTestingModule({
      imports: [LeaderElectionTestingModule.forRoot({ leader: true })],
      providers: [Import],
    }).compile();
    onTestFinished(() => app.close());
    await app.init();
    const control = app.get(LeadershipControl);
    const running = app.get(Import).run(); // waits for more rows until its term's signal aborts
    await control.handover();
    expect(await running).toBe('stopped in time');
  });

  it('replicas that compete', async () => {
    const store = memoryLease();
    const options = { leaseName: 'invoices', leaseDuration: 1_000, store };
    const [first, second] = [await start(options), await start(options)];
    await first.close();
    await second.get(LeaderElectionService).whenLeader();
  });
});
