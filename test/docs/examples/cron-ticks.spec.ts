import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { PostgresClient } from 'nestjs-leader/postgres';
import { claimTick } from 'nestjs-leader/postgres';
import { LeaderCron, LeaderCronService, type CronTick } from 'nestjs-leader/schedule';
import { LeaderElectionTestingModule, LeadershipControl } from 'nestjs-leader/testing';
import { expect, it, onTestFinished } from 'vitest';

class Mailer {
  readonly sent: string[] = [];

  async sendDueBefore(instant: Date): Promise<void> {
    this.sent.push(instant.toISOString());
  }
}

@Injectable()
class Invoices {
  constructor(private readonly mailer: Mailer) {}

  @LeaderCron('0 6 * * *', { name: 'invoices', timeZone: 'Europe/Paris' })
  async send(tick: CronTick) {
    await this.mailer.sendDueBefore(tick.scheduledAt);
  }
}

/** What a driver answers to the statements of `claimTick`, and what it was asked. */
class Pool {
  readonly statements: string[] = [];
  committed = 0;

  readonly client: PostgresClient = {
    query: async (sql) => {
      this.statements.push(sql);
      if (sql.includes('lock_timeout') && sql.includes('current_setting')) return [{ tick: 'on', lock_timeout: '0' }];
      return sql.includes('INSERT INTO "public"') && this.committed === 0 ? [{ job: 'close-hours' }] : [];
    },
  };
}

async function inTransaction(pool: Pool, work: (client: PostgresClient) => Promise<void>): Promise<void> {
  await work(pool.client);
  pool.committed += 1;
}

@Injectable()
class Hours {
  constructor(private readonly pool: Pool) {}

  @LeaderCron('0 * * * *', { name: 'close-hours', attempts: 5 })
  async closeHours(tick: CronTick) {
    await inTransaction(this.pool, async (client) => {
      if (!(await claimTick(client, tick))) return; // committed before
      await client.query('INSERT INTO closed_hour (until) VALUES ($1)', [tick.scheduledAt.toISOString()]);
    });
  }
}

async function started(...providers: Array<new (...args: never[]) => object>) {
  const app = await Test.createTestingModule({
    imports: [LeaderElectionTestingModule.forRoot({ leader: true })],
    providers,
  }).compile();
  onTestFinished(() => app.close());
  await app.init();
  return app;
}

it('the job of the page sends what is due', async () => {
  const app = await started(Invoices, Mailer);
  await app.get(LeadershipControl).tick('invoices', { at: '2030-01-01T06:00:00+01:00' });
  expect(app.get(Mailer).sent).toEqual(['2030-01-01T05:00:00.000Z']);
});

it('the transaction of the page writes once, however often it is begun', async () => {
  const app = await started(Hours, Pool);
  const tick = { name: 'close-hours', scheduledAt: new Date('2030-01-01T06:00:00Z') } as CronTick;
  await app.get(Hours).closeHours(tick);
  await app.get(Hours).closeHours(tick);
  expect(app.get(Pool).statements.filter((sql) => sql.includes('closed_hour'))).toHaveLength(1);
});

it('the job of a tenant runs', async () => {
  const app = await started();
  const cron = app.get(LeaderCronService);
  const ticks: string[] = [];
  cron.add('tenant-7', '0 6 * * *', { timeZone: 'UTC' }, (tick) => ticks.push(tick.name));
  await app.get(LeadershipControl).tick('tenant-7', { at: '2030-01-01T06:00:00Z' });
  expect(ticks).toEqual(['tenant-7']);
});
