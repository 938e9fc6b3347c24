import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LeaderElectionModule, memoryLease } from 'nestjs-leader';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

@Module({ imports: [LeaderElectionModule.forRoot({ leaseName: 'x', store: memoryLease() })] })
class App {}

describe('an application without shutdown hooks', () => {
  const listeners = process.listeners('SIGTERM');
  const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});

  beforeEach(() => {
    process.removeAllListeners('SIGTERM');
    warn.mockClear();
    for (const mark of ['VITEST', 'JEST_WORKER_ID', 'NODE_TEST_CONTEXT']) vi.stubEnv(mark, undefined);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
    process.removeAllListeners('SIGTERM');
    for (const listener of listeners) process.on('SIGTERM', listener);
  });

  const warnings = () => warn.mock.calls.flat().filter((text) => String(text).includes('enableShutdownHooks'));

  it('is told once that its successor will have to wait', async () => {
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    vi.advanceTimersByTime(10_000);
    expect(warnings()).toHaveLength(1);
    await app.close();
  });

  it('is not told when it has them, when it was closed before, or under a test runner', async () => {
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
});
