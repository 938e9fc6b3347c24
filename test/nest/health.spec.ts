import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { LeaderElectionModule, memoryLease } from 'nestjs-leader';
import { LeaderElectionHealthIndicator, LeaderElectionHealthModule } from 'nestjs-leader/terminus';
import { describe, expect, it, onTestFinished } from 'vitest';

@Controller('health')
class Health {
  constructor(
    private readonly health: HealthCheckService,
    private readonly election: LeaderElectionHealthIndicator,
  ) {}

  @Get() @HealthCheck() check() {
    return this.health.check([() => this.election.isHealthy()]);
  }
  @Get('strict') @HealthCheck() strict() {
    return this.health.check([() => this.election.isHealthy('orders', { maxSilence: 50 })]);
  }

  @Get('ready')
  ready() {
    return this.health.check([() => this.election.isReady('election')]);
  }
}

async function serve(store: ReturnType<typeof memoryLease>, durations: { leaseDuration?: number } = {}) {
  const module = await Test.createTestingModule({
    imports: [
      LeaderElectionModule.forRoot({ leaseName: 'orders', store, ...durations }),
      TerminusModule.forRoot({ logger: false }),
      LeaderElectionHealthModule,
    ],
    controllers: [Health],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return async (path = '') => {
    const response = await fetch(`${url}/health${path}`);
    return {
      status: response.status,
      details: ((await response.json()) as { details: Record<string, object> }).details,
    };
  };
}

describe('LeaderElectionHealthIndicator', () => {
  it('is up on the leader', async () => {
    const ask = await serve(memoryLease());
    await expect
      .poll(ask)
      .toMatchObject({ status: 200, details: { leaderElection: { status: 'up', role: 'leader' } } });
  });

  it('is up on a standby, and names the leader', async () => {
    const store = memoryLease();
    const occupied = { holder: 'other', duration: 3_600_000, renewedAt: Date.now(), term: 'x', writeId: 'y' };
    store.edit({ name: 'orders' }, occupied);
    const ask = await serve(store);
    await expect.poll(ask).toMatchObject({
      status: 200,
      details: { leaderElection: { status: 'up', role: 'standby', leader: 'other', store: 'memory' } },
    });
  });

  it('reports a leader whose name was made up to forge lines or to fill the log on one line, and cut', async () => {
    const store = memoryLease();
    const holder = `pod\n\u001b[2J${'x'.repeat(1_000_000)}`;
    store.edit({ name: 'orders' }, { holder, duration: 3_600_000, renewedAt: Date.now(), term: 'x', writeId: 'y' });
    const ask = await serve(store);
    await expect.poll(ask).toMatchObject({
      details: { leaderElection: { leader: expect.stringMatching(/^pod\\n\\u\{1b\}\[2Jx{190,}…$/) } },
    });
  });

  it('is ready on a standby, and not before the lease has been read', async () => {
    const silent = memoryLease();
    silent.fault('read', { kind: 'lost-request' }, Infinity);
    const unread = {
      status: 'down',
      role: 'standby',
      message: 'The lease has not been read from the memory store yet.',
    };
    expect(await (await serve(silent))('/ready')).toMatchObject({ status: 503, details: { election: unread } });

    const store = memoryLease();
    store.edit(
      { name: 'orders' },
      { holder: 'other', duration: 3_600_000, renewedAt: Date.now(), term: 'x', writeId: 'y' },
    );
    const ask = await serve(store);
    await expect
      .poll(() => ask('/ready'))
      .toMatchObject({ status: 200, details: { election: { status: 'up', role: 'standby' } } });
  });

  it('refuses a silence that is no number of milliseconds', async () => {
    const module = await Test.createTestingModule({
      imports: [
        LeaderElectionModule.forRoot({ leaseName: 'orders', store: memoryLease() }),
        LeaderElectionHealthModule,
      ],
    }).compile();
    onTestFinished(() => module.close());
    const indicator = module.get(LeaderElectionHealthIndicator, { strict: false });
    for (const maxSilence of ['30s', Number.NaN, -1])
      expect(() => indicator.isHealthy('orders', { maxSilence: maxSilence as never })).toThrow('but must be a number');
  });

  it('is down when the store has been silent for longer than it may be, and says for how long', async () => {
    const store = memoryLease();
    store.fault('read', { kind: 'lost-request' }, Infinity);
    const ask = await serve(store);
    expect((await ask()).status).toBe(200);
    await expect
      .poll(() => ask('/strict'))
      .toMatchObject({
        status: 503,
        details: { orders: { status: 'down', message: expect.stringMatching(/has not answered for \d+ ms/) } },
      });
  });

  it('is down when all writes of a replica that wants to lead have failed for longer than they may, though the store can be read', async () => {
    const store = memoryLease();
    store.fault('replace', { kind: 'rejected' }, Infinity);
    const ask = await serve(store, { leaseDuration: 500 });
    expect((await ask()).status).toBe(200);
    await expect.poll(ask).toMatchObject({
      status: 503,
      details: {
        leaderElection: {
          status: 'down',
          message: expect.stringMatching(
            /^Writes to the memory store have failed for \d+ ms: The memory store refused/,
          ),
        },
      },
    });
  });
});
