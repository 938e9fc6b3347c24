import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Cron } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  fileLease,
  InjectLeaderElection,
  LeaderElectionModule,
  LeaderElectionService,
  OnlyWhenLeader,
  OnLeadershipAcquired,
  OnLeadershipLost,
  type LeadershipTerm,
  type LossReason,
} from 'nestjs-leader';
import { LeaderElectionTestingModule, LeadershipControl, overrideLeaderElection } from 'nestjs-leader/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const saved: bigint[] = [];
const save = async (token: bigint) => void saved.push(token);

@Injectable()
class Reports {
  constructor(private readonly election: LeaderElectionService) {}

  async build() {
    if (!this.election.isLeader()) return; // computed from the clocks at this call
    await this.election.runIfLeader(async (term) => {
      await save(term.fencingToken); // shutdown waits for this; term.signal aborts when it should hurry
    });
  }
}

const told: string[] = [];

@Injectable()
class Loop {
  @OnLeadershipAcquired()
  begin(term: LeadershipTerm) {
    told.push(`begin ${term.isValid()}`); // start the loop that only the leader runs
  }

  @OnLeadershipLost()
  end(_term: LeadershipTerm, reason: LossReason) {
    told.push(`end ${reason}`); // awaited before the lease is released
  }
}

async function boot(...providers: (new (...args: never[]) => object)[]) {
  const app = await Test.createTestingModule({ imports: [LeaderElectionTestingModule.forRoot()], providers }).compile();
  onTestFinished(() => app.close());
  await app.init();
  return app;
}

describe('the examples of the README', () => {
  it('ask and run', async () => {
    const app = await boot(Reports);
    await app.get(Reports).build();
    expect(saved).toEqual([]);
    await app.get(LeadershipControl).grant();
    await app.get(Reports).build();
    expect(saved).toHaveLength(1);
  });

  it('react to a change', async () => {
    const app = await boot(Loop);
    await app.get(LeadershipControl).grant();
    await app.get(LeadershipControl).handover();
    expect(told).toEqual(['begin true', 'end stepped-down']);
  });

  it('read options from the configuration', async () => {
    const module =
      // ...
      LeaderElectionModule.forRootAsync({
        imports: [ConfigModule],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({
          leaseName: config.getOrThrow<string>('LEASE_NAME'),
          store: fileLease({ directory: '/var/lib/invoices' }),
        }),
      });
    vi.stubEnv('LEASE_NAME', 'invoices');
    onTestFinished(() => void vi.unstubAllEnvs());
    const testing = Test.createTestingModule({ imports: [module] });
    const app = await overrideLeaderElection(testing, new LeadershipControl()).compile();
    onTestFinished(() => app.close());
    expect(app.get(LeaderElectionService).status().leaseName).toBe('invoices');
  });

  it('stand in several elections', async () => {
    @Injectable()
    class Orders {
      built = 0;

      constructor(@InjectLeaderElection('reports') readonly election: LeaderElectionService) {}

      @Cron('0 6 * * *')
      @OnlyWhenLeader('reports') // on a method or a class
      build() {
        this.built += 1;
      }
    }

    @Module({
      imports: [
        LeaderElectionModule.forRoot({ leaseName: 'orders-worker' }),
        LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'orders-reports' }),
      ],
      providers: [Orders],
    })
    class AppModule {}

    const control = new LeadershipControl();
    const app = await overrideLeaderElection(Test.createTestingModule({ imports: [AppModule] }), control).compile();
    onTestFinished(() => app.close());
    await app.init();
    await control.grant();
    app.get(Orders).build();
    expect(app.get(Orders).built).toBe(0);
    await control.grant('reports');
    app.get(Orders).build();
    expect(app.get(Orders).built).toBe(1);
  });
});
