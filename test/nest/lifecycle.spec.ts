import { Global, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  InjectLeaderElection,
  LeaderElectionModule,
  LeaderElectionService,
  memoryLease,
  OnlyWhenLeader,
  OnLeadershipAcquired,
  OnLeadershipLost,
  type LeadershipTerm,
  type LossReason,
} from 'nestjs-leader';
import { describe, expect, it } from 'vitest';
import { tampered } from '../support/hostile-store.js';
import { NestReplica } from './nest-replica.js';

/** What the database of an application would say: it is connected late and closed early. */
@Injectable()
class Database {
  open = false;
  async onApplicationBootstrap() {
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.open = true;
  }
  onModuleDestroy() {
    this.open = false;
  }
}

@Global()
@Module({ providers: [Database], exports: [Database] })
class GlobalDatabase {}

@Module({ providers: [Database], exports: [Database] })
class LocalDatabase {}

@Injectable()
class Work {
  readonly log: string[] = [];
  constructor(
    private readonly database: Database,
    private readonly election: LeaderElectionService,
  ) {}

  @OnLeadershipAcquired() async acquired(term: LeadershipTerm) {
    this.note(`acquired ${term.isValid()}`);
    await this.job();
  }
  @OnLeadershipLost() async lost(_term: LeadershipTerm, reason: LossReason) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    this.note(`lost ${reason}`);
  }
  @OnlyWhenLeader() async job() {
    const { signal } = this.election.requireTerm();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.note('job done');
  }
  private note(text: string) {
    this.log.push(`${text}, database ${this.database.open ? 'open' : 'closed'}`);
  }
}

describe('an election in the life of an application', () => {
  it.each([
    ['global', [GlobalDatabase]],
    ['imported', [LocalDatabase]],
  ])('begins after and ends before everything its work needs, a %s module say', async (_, imports) => {
    const replica = await NestReplica.boot('leader', { imports, providers: [Work] });
    await replica.app.close();
    expect(replica.get(Work).log).toEqual([
      'acquired true, database open',
      expect.stringMatching(/^(job done|lost stopped), database open$/),
      expect.stringMatching(/^(job done|lost stopped), database open$/),
    ]);
    expect(replica.get(Database).open).toBe(false);
  });

  it('does not hold the boot up when the store never answers', async () => {
    const silent = memoryLease();
    silent.fault('read', { kind: 'deaf' }, Infinity);
    @Module({ imports: [LeaderElectionModule.forRoot({ leaseName: 'x', store: silent })] })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    expect(app.get(LeaderElectionService).isLeader()).toBe(false);
    await app.close();
  });

  it('is over for good when the application is closed before it was up', async () => {
    let service!: LeaderElectionService;
    @Module({})
    class Failing {
      constructor(@InjectLeaderElection() election: LeaderElectionService) {
        service = election;
      }
      onApplicationBootstrap() {
        throw new Error('the boot fails');
      }
    }
    const root: DynamicModule = LeaderElectionModule.forRoot({ leaseName: 'x', store: memoryLease() });
    @Module({ imports: [root, Failing] })
    class App {}
    const app = await NestFactory.create(App, { logger: false, abortOnError: false });
    await expect(app.init()).rejects.toThrow('the boot fails');
    await app.close();
    await service.start();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(service.isLeader()).toBe(false);
    expect(service.status().role).toBe('stopped');
  });

  it('refuses to boot when a leadership handler names an election that nothing declares', async () => {
    @Injectable()
    class Listener {
      @OnLeadershipAcquired('reports') acquired() {}
    }
    await expect(NestReplica.boot('leader', { providers: [Listener] })).rejects.toThrow(
      'Listener.acquired names the election "reports", which nothing declares. Declared: default.',
    );
  });

  it('refuses to boot when a leadership handler has no instance to be called on', async () => {
    @Injectable({ scope: 2 })
    class PerRequest {
      @OnLeadershipAcquired() acquired() {}
    }
    await expect(NestReplica.boot('leader', { providers: [PerRequest] })).rejects.toThrow('PerRequest.acquired');
  });

  it('refuses to boot when what is to hear of the loss is gated by the same election', async () => {
    @Injectable()
    class Gated {
      @OnLeadershipLost() @OnlyWhenLeader() lost() {}
    }
    await expect(NestReplica.boot('leader', { providers: [Gated] })).rejects.toThrow('Gated.lost');
    @Injectable()
    class GatedByAnother {
      @OnLeadershipLost('reports') @OnlyWhenLeader() lost() {}
    }
    await NestReplica.boot({ default: 'leader', reports: 'leader' }, { providers: [GatedByAnother] });
  });

  it('survives handlers that throw, and waits for those that do not', async () => {
    @Injectable()
    class Faulty {
      released = false;
      @OnLeadershipLost() throwing() {
        throw new Error('lost badly');
      }
      @OnLeadershipAcquired() rejecting() {
        return Promise.reject(new Error('acquired badly'));
      }
      @OnLeadershipLost() async slow() {
        await new Promise((resolve) => setTimeout(resolve, 10));
        this.released = true;
      }
    }
    const replica = await NestReplica.boot('leader', { providers: [Faulty] });
    expect(replica.election().isLeader()).toBe(true);
    await replica.election().stepDown();
    expect(replica.get(Faulty).released).toBe(true);
  });
});

describe('a store', () => {
  const counted = () => {
    let closed = 0;
    return Object.assign(memoryLease(), {
      close: async () => void closed++,
      closed: () => closed,
    });
  };
  const boot = async (store: ReturnType<typeof counted>, leaseName: string) => {
    @Module({
      imports: [
        LeaderElectionModule.forRoot({ leaseName, store }),
        LeaderElectionModule.forFeature({ name: 'reports', leaseName: `${leaseName}-reports` }),
      ],
    })
    class App {}
    return NestFactory.createApplicationContext(App, { logger: false });
  };

  it('is closed with the last application that uses it, however many elections share it', async () => {
    const store = counted();
    const [one, other] = await Promise.all([boot(store, 'one'), boot(store, 'other')]);
    await one.close();
    expect(store.closed()).toBe(0);
    await other.close();
    expect(store.closed()).toBe(1);
  });

  it('stays open until the work that closed the application has ended, and the lease is released', async () => {
    const calls: string[] = [];
    const store = Object.assign(
      tampered(memoryLease(), (handle) => ({
        replace: (seen, record, signal) => {
          if (record.holder === null) calls.push('release');
          return handle.replace(seen, record, signal);
        },
      })),
      { close: async () => void calls.push('close') },
    );
    @Module({ imports: [LeaderElectionModule.forRoot({ leaseName: 'one', store })] })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    const election = app.get(LeaderElectionService);
    await election.whenLeader();
    await election.runIfLeader(async () => {
      await app.close();
      calls.push('work done');
    });
    await expect.poll(() => calls).toEqual(['work done', 'release', 'close']);
  });

  it('is closed with the application that runs, however often its boot failed before', async () => {
    const store = counted();
    const root = LeaderElectionModule.forRoot({ leaseName: 'one', store });
    const failing = {
      provide: 'failing',
      inject: [LeaderElectionService],
      useFactory: () => Promise.reject(new Error('no')),
    };
    @Module({ imports: [root], providers: [failing] })
    class Failing {}
    const failed = NestFactory.createApplicationContext(Failing, { logger: false, abortOnError: false });
    await expect(failed).rejects.toThrow('no');
    await (await boot(store, 'one')).close();
    expect(store.closed()).toBe(1);
  });

  it('is not closed with an application that never ran, while another one uses it', async () => {
    const store = counted();
    @Module({ imports: [LeaderElectionModule.forRoot({ leaseName: 'idle', store })] })
    class Idle {}
    const idle = await NestFactory.create(Idle, { logger: false });
    const running = await boot(store, 'one');
    await idle.close();
    expect(store.closed()).toBe(0);
    await running.close();
    expect(store.closed()).toBe(1);
  });

  it('that cannot be closed does not hold the shutdown up', async () => {
    const store = Object.assign(counted(), { close: () => Promise.reject(new Error('no')) });
    const app = await boot(store, 'one');
    await expect(app.close()).resolves.toBeUndefined();
  });
});
