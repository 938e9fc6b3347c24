import { Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LeaderElectionModule, LeaderElectionService, memoryLease } from 'nestjs-leader';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { warmUp } from '../../lib/lifecycle/warm-up.js';

vi.mock('../../lib/lifecycle/warm-up.js', () => ({ warmUp: vi.fn(() => Promise.resolve()) }));

@Module({ imports: [LeaderElectionModule.forRoot({ leaseName: 'x', store: memoryLease() })] })
class App {}

describe('an application in production', () => {
  const listeners = process.listeners('SIGTERM');
  const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});

  beforeEach(() => {
    process.removeAllListeners('SIGTERM');
    warn.mockClear();
    vi.mocked(warmUp).mockClear();
    for (const mark of ['VITEST', 'JEST_WORKER_ID', 'NODE_TEST_CONTEXT']) vi.stubEnv(mark, undefined);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
    process.removeAllListeners('SIGTERM');
    for (const listener of listeners) process.on('SIGTERM', listener);
  });

  const warnings = (about = 'enableShutdownHooks') =>
    warn.mock.calls.flat().filter((text) => String(text).includes(about));

  it('is told, when it does not come up, that a hook must not wait for an election that waits for it', async () => {
    const waiting = new AbortController();
    @Injectable()
    class Impatient {
      constructor(private readonly election: LeaderElectionService) {}
      async onModuleInit() {
        await this.election.whenLeader(waiting.signal);
      }
    }
    @Module({ imports: [App], providers: [Impatient] })
    class Stuck {}
    const booting = NestFactory.createApplicationContext(Stuck, { logger: false, abortOnError: false });
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    vi.advanceTimersByTime(9_000);
    expect(warnings('whenLeader()')).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(warnings('whenLeader()')).toHaveLength(1);
    waiting.abort(new Error('enough'));
    await expect(booting).rejects.toThrow('enough');
  });

  it('is told nothing of a lease that it never holds, as an observer', async () => {
    const options = { leaseName: 'x', store: memoryLease(), candidate: false };
    @Module({ imports: [LeaderElectionModule.forRoot(options)] })
    class Observer {}
    const app = await NestFactory.createApplicationContext(Observer, { logger: false });
    vi.advanceTimersByTime(10_000);
    expect(warnings()).toEqual([]);
    await app.close();
  });

  it('without shutdown hooks is told once that its successor will have to wait', async () => {
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    vi.advanceTimersByTime(10_000);
    expect(warnings()).toHaveLength(1);
    await app.close();
  });

  it('is not told of hooks when it has them, when it was closed before, or under a test runner', async () => {
    const withHooks = await NestFactory.createApplicationContext(App, { logger: false });
    withHooks.enableShutdownHooks();
    vi.advanceTimersByTime(10_000);
    await withHooks.close();
    process.removeAllListeners('SIGTERM');

    await (await NestFactory.createApplicationContext(App, { logger: false })).close();
    vi.advanceTimersByTime(10_000);

    vi.stubEnv('VITEST', 'true');
    const underTest = await NestFactory.createApplicationContext(App, { logger: false });
    vi.advanceTimersByTime(10_000);
    await underTest.close();
    expect(warnings()).toEqual([]);
  });

  it('leaves no timer behind when it is closed while it boots', async () => {
    let finish!: () => void;
    const booting = new Promise<void>((resolve) => (finish = resolve));
    const slow = { provide: 'slow', useValue: { onApplicationBootstrap: () => booting } };
    @Module({ imports: [App], providers: [slow] })
    class Slow {}
    const app = await NestFactory.create(Slow, { logger: false });
    const init = app.init();
    await app.close();
    finish();
    await init;
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(warnings()).toEqual([]);
    expect(warmUp).not.toHaveBeenCalled();
  });

  it('warmUps a handover once it is up, but not when it was closed before, nor under a test runner', async () => {
    const up = await NestFactory.createApplicationContext(App, { logger: false });
    expect(warmUp).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect(warmUp).toHaveBeenCalledOnce();
    await up.close();

    await (await NestFactory.createApplicationContext(App, { logger: false })).close();
    vi.stubEnv('VITEST', 'true');
    const underTest = await NestFactory.createApplicationContext(App, { logger: false });
    vi.advanceTimersByTime(200);
    await underTest.close();
    expect(warmUp).toHaveBeenCalledOnce();
  });
});
