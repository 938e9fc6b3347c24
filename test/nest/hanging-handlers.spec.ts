import { Injectable, Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  LeaderElectionModule,
  LeaderElectionService,
  LeaderElector,
  memoryLease,
  OnLeadershipAcquired,
  OnLeadershipLost,
  OnlyWhenLeader,
} from 'nestjs-leader';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ElectorFactory } from '../../lib/registry/election.registry.js';
import { ELECTOR_FACTORY } from '../../lib/leader-election.constants.js';
import { MachineClock, seededChance, VirtualTime } from '../support/virtual-time.js';

const MINUTE = 60_000;

/** Handlers that hang for as long as the test has it, and work that does. */
@Injectable()
class Worker {
  hangs: Array<'acquired' | 'lost' | 'work'> = [];
  private readonly waiting = new Set<() => void>();

  @OnLeadershipAcquired() acquired() {
    return this.pass('acquired');
  }
  @OnLeadershipLost() lost() {
    return this.pass('lost');
  }
  @OnlyWhenLeader() async work() {
    await this.pass('work');
  }
  comeToAnEnd() {
    this.hangs = [];
    for (const go of this.waiting) go();
  }
  private async pass(where: 'acquired' | 'lost' | 'work') {
    if (this.hangs.includes(where)) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }
}

@Injectable()
class Thrower {
  @OnLeadershipAcquired() acquired() {
    throw new Error('no loop today');
  }
}

describe('an application on virtual time', () => {
  const time = new VirtualTime();
  const errors = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
  let store: ReturnType<typeof memoryLease>;
  const apps: TestingModule[] = [];
  let replicas = 0;
  beforeEach(() => {
    errors.mockClear();
    store = memoryLease({ clock: { now: () => time.now, setTimer: (run, delay) => time.setTimer(run, delay) } });
  });
  afterEach(async () => {
    for (const app of apps) app.get(Worker).comeToAnEnd();
    const closed = Promise.all(apps.splice(0).map((app) => app.close()));
    await time.advance(MINUTE);
    await closed;
    expect(time.pending).toBe(0);
  });

  async function boot() {
    const createElector: ElectorFactory = (config) =>
      new LeaderElector({ ...config, clock: new MachineClock(time), chance: seededChance(++replicas) });
    const app = await Test.createTestingModule({
      imports: [LeaderElectionModule.forRoot({ leaseName: 'orders', store: store.connect() })],
      providers: [Worker, Thrower],
    })
      .overrideProvider(ELECTOR_FACTORY)
      .useValue(createElector)
      .compile();
    await app.init();
    await time.advance(100);
    apps.push(app);
    return { election: app.get(LeaderElectionService), worker: app.get(Worker), app };
  }
  const lease = () => store.peek({ name: 'orders' }).lease!.record;

  it('logs a handler that throws, shows it in status(), and leads on', async () => {
    const { election } = await boot();
    expect(errors.mock.calls.flat().join()).toMatch(
      /^default: A leadership handler failed: Error: no loop today\n +at /,
    );
    expect(election.status().lastError).toMatchObject({ code: 'HANDLER_FAILED', advice: expect.any(String) });
    const { fencingToken } = election.requireTerm();
    await time.advance(10 * MINUTE);
    expect(election.requireTerm().fencingToken).toBe(fencingToken);
  });

  it('renews all the while that an acquired handler hangs, and lets it end the shutdown at the drain timeout', async () => {
    const { election, worker, app } = await boot();
    await election.stepDown({ cooldown: 0 });
    worker.hangs = ['acquired'];
    await time.advance(1_000);
    const { fencingToken } = election.requireTerm();
    await time.advance(60 * MINUTE);
    expect(election.requireTerm().fencingToken).toBe(fencingToken);

    let closed = false;
    void app.close().then(() => (closed = true));
    await time.advance(19_000);
    expect(closed).toBe(false);
    await time.advance(2_000);
    expect(closed).toBe(true);
  });

  it.each(['lost', 'work'] as const)(
    '%s that hangs keeps the lease from everybody, then from this replica',
    async (what) => {
      const { election, worker } = await boot();
      const { identity } = election;
      worker.hangs = [what];
      if (what === 'work') void worker.work();
      const other = await boot();

      const steppedDown = election.stepDown({ cooldown: 0 });
      await time.advance(19_000);
      expect(election.status().role).toBe('draining');
      expect(lease()).toMatchObject({
        holder: identity,
        renewedAt: expect.closeTo(Date.UTC(2026, 0, 1) + time.now, -4),
      });

      // The drain has timed out: not released, and renewed no more.
      await time.advance(2_000);
      await steppedDown;
      expect(lease().holder).toBe(identity);
      expect(errors.mock.calls.flat().join()).toMatch('still run after 20000 ms. The lease is left to expire');
      expect(other.election.isLeader()).toBe(false);
      await time.advance(15_000);
      expect(other.election.isLeader()).toBe(true);

      // Whoever leads next goes: this one does not contend while that work runs, and does as soon as it has ended.
      const closed = other.app.close();
      await time.advance(5 * MINUTE);
      await closed;
      expect(lease().holder).toBeNull();
      expect(election.status().role).toBe('standby');
      worker.comeToAnEnd();
      await time.advance(1_000);
      expect(election.isLeader()).toBe(true);
    },
  );
});
