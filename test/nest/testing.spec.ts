import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getLeaderElectionToken,
  isNotLeaderError,
  kubernetesLease,
  LeaderElectionModule,
  LeaderElectionService,
  OnlyWhenLeader,
  OnLeadershipAcquired,
  OnLeadershipLost,
  type LeadershipTerm,
  type LossReason,
} from 'nestjs-leader';
import {
  LeaderElectionTestingModule,
  LeadershipControl,
  overrideLeaderElection,
  withLeadership,
} from 'nestjs-leader/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

@Injectable()
class Worker {
  readonly log: string[] = [];
  finish: () => void = () => {};

  constructor(readonly election: LeaderElectionService) {}

  @OnLeadershipAcquired() async acquired() {
    await Promise.resolve();
    this.log.push('acquired');
  }
  @OnLeadershipLost() async lost(_: LeadershipTerm, reason: LossReason) {
    await new Promise(process.nextTick);
    this.log.push(`lost: ${reason}`);
  }
  @OnlyWhenLeader() tick() {
    return 'ticked';
  }
  @OnlyWhenLeader() async work() {
    await new Promise<void>((resolve) => (this.finish = resolve));
    this.log.push('worked');
  }
}

async function boot(options?: Parameters<typeof LeaderElectionTestingModule.forRoot>[0]) {
  const imports = [LeaderElectionTestingModule.forRoot(options)];
  const app = await Test.createTestingModule({ imports, providers: [Worker] }).compile();
  onTestFinished(() => app.close());
  await app.init();
  return { app, control: app.get(LeaderElectionTestingModule), worker: app.get(Worker) };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('LeaderElectionTestingModule', () => {
  it('deals the role before init() resolves', async () => {
    expect((await boot({ leader: true })).worker.tick()).toBe('ticked');
    expect((await boot({ leader: false })).worker.tick()).toBeUndefined();
    expect((await boot()).worker.tick()).toBeUndefined();
  });

  it('grants and revokes, each resolved after the handlers', async () => {
    const { control, worker } = await boot();
    await control.grant();
    expect(worker.election.isLeader()).toBe(true);
    expect(worker.log).toEqual(['acquired']);
    await control.revoke();
    expect(worker.election.isLeader()).toBe(false);
    expect(worker.log).toEqual(['acquired', 'lost: superseded']);
    await control.grant();
    expect(worker.tick()).toBe('ticked');
  });

  it('raises the fencing token with every grant', async () => {
    const { control, worker } = await boot({ leader: true });
    const first = worker.election.requireTerm().fencingToken;
    await control.revoke();
    await control.grant();
    expect(worker.election.requireTerm().fencingToken).toBeGreaterThan(first);
  });

  it('hands over after the running work is done', async () => {
    const { control, worker } = await boot({ leader: true });
    const { signal } = worker.election.requireTerm();
    const running = worker.work();
    const handover = control.handover();
    expect(signal.aborted).toBe(true);
    expect(worker.election.isLeader()).toBe(false);
    worker.finish();
    await Promise.all([running, handover]);
    expect(worker.log.toSorted()).toEqual(['acquired', 'lost: stepped-down', 'worked']);
  });

  it('lets a term expire', async () => {
    const { control, worker } = await boot({ leader: true });
    const term = worker.election.requireTerm();
    await control.expire();
    expect(term.isValid()).toBe(false);
    expect(worker.log).toEqual(['acquired', 'lost: expired']);
    await control.grant();
    expect(worker.election.isLeader()).toBe(true);
  });

  it('lets work that goes on after a loss see that its term is over', async () => {
    const { control, worker } = await boot({ leader: true });
    let revoked!: () => void;
    const running = worker.election.runIfLeader(async () => {
      await new Promise<void>((resolve) => (revoked = resolve));
      return worker.tick();
    });
    await control.revoke();
    revoked();
    await expect(running).rejects.toSatisfy(isNotLeaderError);
  });

  it('does not care that the test fakes the timers of the process', async () => {
    vi.useFakeTimers();
    const { control, worker, app } = await boot({ leader: true });
    await control.handover();
    await control.grant();
    await control.expire();
    expect(worker.log).toEqual(['acquired', 'lost: stepped-down', 'acquired', 'lost: expired']);
    await app.close();
  });

  it('needs no store, also in the settings of production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    const { worker } = await boot({ leader: true });
    expect(worker.tick()).toBe('ticked');
  });

  it('leaves every lease name to the elections of the application', async () => {
    const imports = [
      LeaderElectionTestingModule.forRoot({ leader: true }),
      LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'test' }),
    ];
    const app = await Test.createTestingModule({ imports }).compile();
    onTestFinished(() => app.close());
    await app.init();
    expect(app.get(getLeaderElectionToken('reports')).isLeader()).toBe(true);
  });

  it('deals no role to an election that only observes, and refuses to grant it', async () => {
    const imports = [
      LeaderElectionTestingModule.forRoot({ leader: true }),
      LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'reports', candidate: false }),
    ];
    const app = await Test.createTestingModule({ imports }).compile();
    onTestFinished(() => app.close());
    await app.init();
    expect(app.get(LeaderElectionService).isLeader()).toBe(true);
    await expect(app.get(LeadershipControl).grant('reports')).rejects.toThrow('only observes');
  });

  it('refuses to grant where no election runs, instead of waiting forever', async () => {
    const imports = [LeaderElectionTestingModule.forRoot()];
    const app = await Test.createTestingModule({ imports }).compile();
    const control = app.get(LeadershipControl);
    const refusal = expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining('app.init()') });
    await expect(control.grant()).rejects.toEqual(refusal);
    await app.init();
    await control.grant();
    await app.close();
    await expect(control.grant()).rejects.toEqual(refusal);
  });

  describe('with an acquired handler', () => {
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

    async function bootWith<T extends object>(provider: new () => T) {
      const imports = [LeaderElectionTestingModule.forRoot({ drainTimeout: 1_000 })];
      const app = await Test.createTestingModule({ imports, providers: [provider] }).compile();
      onTestFinished(() => app.close());
      await app.init();
      return { control: app.get(LeadershipControl), handlers: app.get(provider) };
    }

    @Injectable()
    class Slow {
      ready = false;
      @OnLeadershipAcquired() async begin() {
        await turn();
        const end = performance.now() + 500;
        while (performance.now() < end);
        for (let turns = 0; turns < 10; turns += 1) await turn();
        this.ready = true;
      }
    }

    it('that is slow on a busy machine: waits for it', async () => {
      const { control, handlers } = await bootWith(Slow);
      await control.grant();
      expect(handlers.ready).toBe(true);
    });

    it('that still runs when it is granted again: waits for it', async () => {
      const { control, handlers } = await bootWith(Slow);
      const first = control.grant();
      await turn();
      await control.grant();
      expect(handlers.ready).toBe(true);
      await first;
    });

    it('that watches its signal: does not wait for it before that aborts', async () => {
      @Injectable()
      class Loop {
        ended = false;
        @OnLeadershipAcquired() async run({ signal }: LeadershipTerm) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          this.ended = true;
        }
      }
      const { control, handlers } = await bootWith(Loop);
      await control.grant();
      expect(handlers.ended).toBe(false);
      await control.revoke();
      expect(handlers.ended).toBe(true);
    });

    it('that runs until the lost handler stops it: resolves when it has', async () => {
      @Injectable()
      class Loop {
        goesOn = true;
        ended = false;
        @OnLeadershipAcquired() async run() {
          while (this.goesOn) await turn();
          this.ended = true;
        }
        @OnLeadershipLost() stop() {
          this.goesOn = false;
        }
      }
      const { control, handlers } = await bootWith(Loop);
      await control.grant();
      await control.revoke();
      expect(handlers.ended).toBe(true);
    });

    it('that never returns: does not hang with it', async () => {
      @Injectable()
      class Hanging {
        @OnLeadershipAcquired() run() {
          return new Promise(() => {});
        }
      }
      const { control } = await bootWith(Hanging);
      await control.grant();
      await expect(control.revoke()).resolves.toBeUndefined();
    });
  });
});

describe('overrideLeaderElection', () => {
  @Module({
    imports: [LeaderElectionModule.forRoot({ leaseName: 'orders', store: kubernetesLease() })],
    providers: [Worker],
  })
  class Orders {}

  it.each([
    [
      'the testing module beside a root',
      () => Test.createTestingModule({ imports: [LeaderElectionTestingModule.forRoot(), Orders] }),
    ],
    [
      'a stub in the place of an election that gates',
      () =>
        Test.createTestingModule({ imports: [Orders] })
          .overrideProvider(getLeaderElectionToken())
          .useValue({}),
    ],
  ])('is what the refusal advises of %s', async (_, builder) => {
    const booting = builder()
      .compile()
      .then((app) => app.init());
    await expect(booting).rejects.toMatchObject({ advice: expect.stringContaining('overrideLeaderElection') });
  });

  it('puts an application under control that brings its own elections and stores', async () => {
    @Module({
      imports: [
        LeaderElectionModule.forRoot({ leaseName: 'orders', store: kubernetesLease() }),
        LeaderElectionModule.forFeature({ name: 'reports', leaseName: 'reports' }),
      ],
      providers: [Worker],
    })
    class AppModule {}
    const control = new LeadershipControl();
    const app = await overrideLeaderElection(Test.createTestingModule({ imports: [AppModule] }), control).compile();
    onTestFinished(() => app.close());
    await app.init();
    expect(app.get(Worker).tick()).toBeUndefined();
    await control.grant();
    expect(app.get(Worker).tick()).toBe('ticked');
    await control.grant('reports');
    await expect(control.grant('exports')).rejects.toThrow('No election is named "exports": default, reports.');
  });
});

describe('withLeadership', () => {
  it('lets the gated methods of a plain instance run', async () => {
    const worker = new Worker(undefined as never);
    const control = await withLeadership(worker);
    expect(worker.tick()).toBe('ticked');
    await control.revoke();
    expect(worker.tick()).toBeUndefined();
  });

  it('or not, as the test has it', async () => {
    const worker = new Worker(undefined as never);
    const control = await withLeadership(worker, { leader: false });
    expect(worker.tick()).toBeUndefined();
    await control.grant();
    expect(worker.tick()).toBe('ticked');
  });
});
