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
}

async function serve(store: ReturnType<typeof memoryLease>) {
  const module = await Test.createTestingModule({
    imports: [
      LeaderElectionModule.forRoot({ leaseName: 'orders', store }),
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
});
