import { Injectable, Module } from '@nestjs/common';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { LeaderElectionService } from '../../../lib/index.js';
import { LeaderCron, LeaderCronService, type CronTick } from '../../../lib/schedule/index.js';
import { LeaderElectionTestingModule, LeadershipControl } from '../../../lib/testing/index.js';

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function started(provider: new () => object, { leader = true, imports = [] as never[] } = {}) {
  const module = await Test.createTestingModule({
    imports: [LeaderElectionTestingModule.forRoot({ leader }), ...imports],
    providers: [provider],
  }).compile();
  close = () => module.close();
  await module.init();
  return module;
}

describe('@LeaderCron', () => {
  it('gives its handler the instant, the tick before it, the attempt and the term', async () => {
    const ticks: CronTick[] = [];
    @Injectable()
    class Invoices {
      @LeaderCron('0 6 * * *', { name: 'invoices', timeZone: 'Europe/Paris' })
      send(tick: CronTick): void {
        ticks.push(tick);
      }
    }
    const app = await started(Invoices);
    const control = app.get(LeadershipControl);
    await control.tick('invoices', { at: '2030-03-30T06:00:00+01:00' });
    await control.tick('invoices');
    expect(ticks.map(({ name, scheduledAt, previous, attempt }) => ({ name, scheduledAt, previous, attempt }))).toEqual(
      [
        { name: 'invoices', scheduledAt: new Date('2030-03-30T05:00:00Z'), previous: null, attempt: 1 },
        {
          name: 'invoices',
          // The night between is an hour shorter.
          scheduledAt: new Date('2030-03-31T04:00:00Z'),
          previous: new Date('2030-03-30T05:00:00Z'),
          attempt: 1,
        },
      ],
    );
    expect(ticks[0]!.term).toBe(app.get(LeaderElectionService).currentTerm());
  });

  it('makes up for what fell due while nobody led by one run of the newest tick', async () => {
    const ticks: string[] = [];
    @Injectable()
    class Reports {
      @LeaderCron('*/10 * * * *', { name: 'reports', timeZone: 'UTC' })
      write(tick: CronTick): void {
        ticks.push(tick.scheduledAt.toISOString());
      }
    }
    const app = await started(Reports);
    const control = app.get(LeadershipControl);
    await control.tick('reports', { at: '2030-01-01T00:10:00Z' });
    await control.revoke();
    await control.tick('reports', { at: '2030-01-01T00:20:00Z' });
    await control.tick('reports', { at: '2030-01-01T00:30:00Z' });
    expect(ticks).toEqual(['2030-01-01T00:10:00.000Z']);
    await control.grant();
    await control.tick('reports', { at: '2030-01-01T00:40:00Z' });
    expect(ticks).toEqual(['2030-01-01T00:10:00.000Z', '2030-01-01T00:30:00.000Z', '2030-01-01T00:40:00.000Z']);
  });

  it('lets a missed tick be where catchUp is false', async () => {
    const ticks: string[] = [];
    @Injectable()
    class Cache {
      @LeaderCron('*/10 * * * *', { name: 'cache', timeZone: 'UTC', catchUp: false })
      warm(tick: CronTick): void {
        ticks.push(tick.scheduledAt.toISOString());
      }
    }
    const app = await started(Cache);
    const control = app.get(LeadershipControl);
    await control.revoke();
    await control.tick('cache', { at: '2030-01-01T00:20:00Z' });
    await control.grant();
    await control.tick('cache', { at: '2030-01-01T00:30:00Z' });
    expect(ticks).toEqual(['2030-01-01T00:30:00.000Z']);
  });

  it('runs a tick again that was cut short, where more attempts are allowed', async () => {
    const attempts: Array<[attempt: number, scheduledAt: string]> = [];
    @Injectable()
    class Import {
      @LeaderCron('0 * * * *', { name: 'import', timeZone: 'UTC', attempts: 3 })
      async run({ attempt, scheduledAt, term }: CronTick): Promise<void> {
        attempts.push([attempt, scheduledAt.toISOString()]);
        if (attempts.length > 1) return;
        await new Promise((_, reject) =>
          term.signal.addEventListener('abort', () => reject(new Error('told to stop'))),
        );
      }
    }
    const app = await started(Import);
    const control = app.get(LeadershipControl);
    const cutShort = control.tick('import', { at: '2030-01-01T01:00:00Z' });
    await expect.poll(() => attempts.length).toBe(1);
    await control.expire();
    await cutShort;
    await control.grant();
    await expect
      .poll(() => attempts)
      .toEqual([
        [1, '2030-01-01T01:00:00.000Z'],
        [1, '2030-01-01T01:00:00.000Z'],
      ]);
  });

  it('does not run a tick again whose handler failed, and says so in status()', async () => {
    let runs = 0;
    @Injectable()
    class Failing {
      @LeaderCron('0 * * * *', { name: 'failing', timeZone: 'UTC', attempts: 5 })
      async run(): Promise<void> {
        runs += 1;
        throw new Error('no such table');
      }
    }
    const app = await started(Failing);
    await app.get(LeadershipControl).tick('failing', { at: '2030-01-01T01:00:00Z' });
    const { jobs, lastError } = app.get(LeaderElectionService).status();
    expect(runs).toBe(1);
    expect(jobs).toMatchObject([
      {
        name: 'failing',
        attempts: 5,
        isRunning: false,
        lastRun: { scheduledAt: '2030-01-01T01:00:00.000Z', outcome: 'failed' },
      },
    ]);
    expect(lastError).toMatchObject({ code: 'HANDLER_FAILED', message: expect.stringContaining('no such table') });
  });

  it('refuses two jobs of one name, @Cron on the same method, and what is no cron expression', async () => {
    class Twice {
      @LeaderCron('0 1 * * *', { name: 'same' })
      a(): void {}

      @LeaderCron('0 2 * * *', { name: 'same' })
      b(): void {}
    }
    await expect(started(Twice)).rejects.toThrow(/a job named "same" already/);

    class Both {
      @Cron('0 1 * * *')
      @LeaderCron('0 1 * * *', { name: 'both' })
      a(): void {}
    }
    await expect(started(Both)).rejects.toThrow(/Both.a is scheduled twice/);

    class Garbage {
      @LeaderCron('every day', { name: 'garbage' })
      a(): void {}
    }
    await expect(started(Garbage)).rejects.toThrow(/"every day".*is none/);

    class Never {
      @LeaderCron('0 0 30 2 *', { name: 'never' })
      a(): void {}
    }
    await expect(started(Never)).rejects.toThrow(/no tick any more/);
    expect(() => LeaderCron('0 1 * * *', { name: '' })({}, 'a', { value: () => {} })).toThrow(/needs a name/);
    expect(() => LeaderCron('0 1 * * *', { name: 'a', atempts: 2 } as never)({}, 'a', { value: () => {} })).toThrow(
      /Write attempts for "atempts"/,
    );
  });

  it('shows its jobs, read-only, in the SchedulerRegistry of @nestjs/schedule', async () => {
    class Shown {
      @LeaderCron('0 6 * * *', { name: 'shown', timeZone: 'UTC' })
      a(): void {}
    }
    @Module({ imports: [ScheduleModule.forRoot()] })
    class Schedules {}
    const app = await started(Shown, { imports: [Schedules as never] });
    const face = app.get(SchedulerRegistry).getCronJob('shown') as unknown as {
      nextDate(): Date;
      stop(): void;
      isActive: boolean;
    };
    expect(face.nextDate().toISOString()).toMatch(/T06:00:00.000Z$/);
    expect(face.isActive).toBe(true);
  });
});

describe('LeaderCronService', () => {
  it('adds, lists and deletes jobs that are only known at run time', async () => {
    class Nothing {}
    const app = await started(Nothing);
    const cron = app.get(LeaderCronService);
    const ticks: string[] = [];
    cron.add('tenant-7', '0 6 * * *', { timeZone: 'UTC' }, (tick) => ticks.push(tick.name));
    expect(cron.list()).toMatchObject([
      { name: 'tenant-7', expression: '0 6 * * *', timeZone: 'UTC', election: 'default' },
    ]);
    await app.get(LeadershipControl).tick('tenant-7', { at: '2030-01-01T06:00:00Z' });
    expect(ticks).toEqual(['tenant-7']);
    expect(cron.delete('tenant-7')).toBe(true);
    expect(cron.delete('tenant-7')).toBe(false);
    expect(cron.list()).toEqual([]);
  });

  it('remembers nothing of a job that was deleted: names may be those of customers', async () => {
    class Nothing {}
    const app = await started(Nothing);
    const cron = app.get(LeaderCronService);
    const jobs = () => app.get(LeaderElectionService).status().jobs;
    cron.add('tenant-7', '0 6 * * *', { timeZone: 'UTC' }, () => undefined);
    await app.get(LeadershipControl).tick('tenant-7', { at: '2030-01-01T06:00:00Z' });
    expect(jobs()).toMatchObject([{ lastRun: { outcome: 'done' } }]);
    cron.delete('tenant-7');
    cron.add('tenant-7', '0 7 * * *', { timeZone: 'UTC' }, () => undefined);
    expect(jobs()).toMatchObject([{ name: 'tenant-7', lastRun: null }]);
  });
});
