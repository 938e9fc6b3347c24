import { Injectable, Module, type FactoryProvider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  InjectLeaderElection,
  LeaderElectionConfigError,
  LeaderElectionModule,
  LeaderElectionService,
  getLeaderElectionToken,
  memoryLease,
  OnlyWhenLeader,
  type LeaderElectionOptions,
  type LeaderElectionOptionsFactory,
} from 'nestjs-leader';
import { afterEach, describe, expect, it } from 'vitest';
import { ELECTION_REGISTRY } from '../../lib/leader-election.constants.js';
import { rootDefinition } from '../../lib/leader-election.providers.js';

const store = memoryLease();
const apps: Array<{ close(): Promise<void> }> = [];

async function boot(...imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>) {
  const app = (await Test.createTestingModule({ imports }).compile()).createNestApplication();
  apps.push(app);
  return app.init();
}

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

describe('forRoot', () => {
  it('provides the default election by class and by token, everywhere', async () => {
    @Injectable()
    class Job {
      constructor(
        readonly byClass: LeaderElectionService,
        @InjectLeaderElection() readonly byToken: LeaderElectionService,
      ) {}
    }
    @Module({ providers: [Job] })
    class Jobs {}

    const app = await boot(LeaderElectionModule.forRoot({ leaseName: 'orders', store }), Jobs);

    const job = app.get(Job, { strict: false });
    expect(job.byClass).toBe(job.byToken);
    expect(job.byClass).toBe(app.get(getLeaderElectionToken()));
    expect(job.byClass.name).toBe('default');
  });

  it('leads by itself once the application is up, and no longer once it is closed', async () => {
    const app = await boot(LeaderElectionModule.forRoot({ leaseName: 'orders', store }));
    const election = app.get(LeaderElectionService);
    await election.whenLeader();
    expect(election.isLeader()).toBe(true);

    await app.close();
    expect(election.isLeader()).toBe(false);
  });

  it('refuses to boot when it is imported twice', async () => {
    const twice = boot(
      LeaderElectionModule.forRoot({ leaseName: 'orders', store }),
      LeaderElectionModule.forRoot({ leaseName: 'orders', store }),
    );
    await expect(twice).rejects.toThrow(LeaderElectionConfigError);
    await expect(twice).rejects.toThrow('imported more than once');
  });

  it('has one registry in an application whose root providers are made anew, as Nest before 11.1.29 does for a lazy module', () => {
    const { providers = [] } = rootDefinition([], (config) => new LeaderElectionService(config));
    const { useFactory: createRegistry } = providers.find(
      (provider) => 'provide' in provider && provider.provide === ELECTION_REGISTRY,
    ) as FactoryProvider;
    const [application, other] = [new ModulesContainer(), new ModulesContainer()];
    const registry = createRegistry({ leaseName: 'orders', store }, null, application);
    expect(createRegistry({ leaseName: 'orders', store }, null, application)).toBe(registry);
    expect(createRegistry({ leaseName: 'orders', store }, null, other)).not.toBe(registry);
  });

  it('refuses to boot without a lease name', async () => {
    await expect(boot(LeaderElectionModule.forRoot({ leaseName: '' }))).rejects.toThrow('leaseName');
    await expect(boot(LeaderElectionModule.forRoot(undefined as never))).rejects.toThrow('leaseName');
  });
});

describe('forRootAsync', () => {
  class Factory implements LeaderElectionOptionsFactory {
    createLeaderElectionOptions() {
      return { leaseName: 'from-class', store };
    }
  }
  @Module({ providers: [Factory, { provide: 'LEASE', useValue: 'from-factory' }], exports: [Factory, 'LEASE'] })
  class Config {}

  it.each([
    [
      'useFactory',
      'from-factory',
      { inject: ['LEASE'], useFactory: async (leaseName: string) => ({ leaseName, store }) },
    ],
    ['useClass', 'from-class', { useClass: Factory }],
    ['useExisting', 'from-class', { useExisting: Factory }],
  ])('takes its options from %s', async (_, leaseName, options) => {
    const app = await boot(LeaderElectionModule.forRootAsync({ imports: [Config], ...options }));
    expect(app.get(LeaderElectionService).status().leaseName).toBe(leaseName);
  });

  it('refuses to boot with a store that was not called, however it came', async () => {
    const options = { leaseName: 'orders', store: memoryLease as never };
    const message = 'write store: memoryLease()';
    await expect(boot(LeaderElectionModule.forRoot(options))).rejects.toThrow(message);
    await expect(boot(LeaderElectionModule.forRootAsync({ useFactory: () => options }))).rejects.toThrow(message);
  });

  it('refuses to boot with a store that is null: the default would be a surprise', async () => {
    const options = { leaseName: 'orders', store: null as never };
    await expect(boot(LeaderElectionModule.forRoot(options))).rejects.toThrow('store is null but must be a LeaseStore');
  });

  it('refuses to boot where a factory gives nothing, as one does whose braces are a block', async () => {
    const forgotten = LeaderElectionModule.forRootAsync({ useFactory: () => undefined as never });
    await expect(boot(forgotten)).rejects.toThrow(
      'are undefined. Return them from the factory, in braces and parentheses',
    );
  });

  it('refuses to boot with a typo, also in options that a factory makes', async () => {
    const options = { leaseName: 'orders', store, leaseDurration: 10_000 };
    const message = 'Write leaseDuration for "leaseDurration".';
    await expect(boot(LeaderElectionModule.forRootAsync({ useFactory: () => options }))).rejects.toThrow(message);
    const root = LeaderElectionModule.forRoot({ leaseName: 'orders', store });
    const feature = { ...options, name: 'reports', leaseName: 'reports' };
    await expect(boot(root, LeaderElectionModule.forFeature(feature))).rejects.toThrow(message);
  });

  it('refuses options that come from nowhere', () => {
    expect(() => LeaderElectionModule.forRootAsync({})).toThrow('useFactory, useClass and useExisting');
  });
});

describe('forFeature', () => {
  const root = () => LeaderElectionModule.forRoot({ leaseName: 'orders', store, drainTimeout: 1234 });
  const reports = () => LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'orders-reports' });

  it('declares a further election that leads on its own', async () => {
    const app = await boot(root(), reports());
    const named = app.get<LeaderElectionService>(getLeaderElectionToken('reports'));
    await named.whenLeader();
    expect(named.name).toBe('reports');
    expect(named).not.toBe(app.get(LeaderElectionService));
  });

  it('is the same election wherever it is imported with the same options', async () => {
    @Module({ imports: [reports()], providers: [{ provide: 'A', useExisting: getLeaderElectionToken('reports') }] })
    class A {}
    @Module({ imports: [reports()], providers: [{ provide: 'B', useExisting: getLeaderElectionToken('reports') }] })
    class B {}
    const app = await boot(root(), A, B);
    expect(app.get('A', { strict: false })).toBe(app.get('B', { strict: false }));
  });

  it('is known in every module, as its name is', async () => {
    @Injectable()
    class Job {
      constructor(@InjectLeaderElection('reports') readonly election: LeaderElectionService) {}
      @OnlyWhenLeader('reports') build() {
        return 'built';
      }
    }
    @Module({ imports: [reports()] })
    class Elections {}
    @Module({ providers: [Job] })
    class Jobs {}
    const app = await boot(root(), Elections, Jobs);
    const job = app.get(Job, { strict: false });
    await job.election.whenLeader();
    expect(job.build()).toBe('built');
  });

  it.each([
    ['forFeature', (own: Partial<LeaderElectionOptions>) => ({ leaseName: 'orders-reports', ...own })],
    [
      'forFeatureAsync',
      (own: Partial<LeaderElectionOptions>) => ({ useFactory: () => ({ leaseName: 'orders-reports', ...own }) }),
    ],
  ] as const)('inherits what is spelled out as undefined: %s', async (how, options) => {
    const app = await boot(
      LeaderElectionModule.forRoot({ leaseName: 'orders', store, namespace: 'ours' }),
      LeaderElectionModule[how]({ name: 'reports', ...options({ store: undefined, namespace: undefined }) } as never),
    );
    const election = app.get<LeaderElectionService>(getLeaderElectionToken('reports'));
    await election.whenLeader();
    const inherited = store.peek({ name: 'orders-reports', namespace: 'ours' });
    expect(inherited.lease?.record.holder).toBe(election.identity);
  });

  it('takes its options from a factory', async () => {
    const app = await boot(
      root(),
      LeaderElectionModule.forFeatureAsync({ name: 'reports', useFactory: async () => ({ leaseName: 'made' }) }),
    );
    expect(app.get(getLeaderElectionToken('reports')).status().leaseName).toBe('made');
  });

  it.each([
    [
      'other options under the same name',
      () => [
        root(),
        reports(),
        LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'orders-reports', drainTimeout: 1 }),
      ],
      'declared twice with different options (drainTimeout)',
    ],
    [
      'one lease under two names',
      () => [root(), reports(), LeaderElectionModule.forFeature({ name: 'exports', leaseName: 'orders-reports' })],
      'stand for the same lease',
    ],
    [
      "the root's lease under another name",
      () => [root(), LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'orders' })],
      'stand for the same lease',
    ],
    [
      "the default election's name",
      () => [root(), LeaderElectionModule.forFeature({ name: 'default', leaseName: 'x' })],
      'declared twice',
    ],
    [
      'one lease under two names, once in the default namespace by its name',
      () => [root(), LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'orders', namespace: 'default' })],
      'stand for the same lease',
    ],
    [
      'a lease name that is not set, which nobody inherits',
      () => [root(), LeaderElectionModule.forFeature({ name: 'reports', leaseName: undefined as never })],
      'leaseName is undefined but must be a non-empty string',
    ],
    ['an empty name', () => [root(), LeaderElectionModule.forFeature({ name: '', leaseName: 'x' })], 'non-empty name'],
    ['no root', () => [reports()], 'there is no LeaderElectionModule.forRoot'],
  ])('refuses to boot with %s', async (_, imports, message) => {
    const booting = boot(...imports());
    await expect(booting).rejects.toThrow(LeaderElectionConfigError);
    await expect(booting).rejects.toThrow(message);
  });
});
