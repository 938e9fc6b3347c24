import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { Redis } from 'ioredis';
import { fileLease, kubernetesLease, LeaderElectionModule, OnlyWhenLeader } from 'nestjs-leader';
import { postgresLease } from 'nestjs-leader/postgres';
import { LeaderCron, type CronTick } from 'nestjs-leader/schedule';
import type { Line, Settings } from './lines.js';

/** One replica with a job each second, written in three ways. What each of them does goes into a ledger outside. */
const { store, ledger, attempts, redis } = JSON.parse(process.argv[2]!) as Settings;
const lock = redis === undefined ? undefined : new Redis({ path: redis });
const EVERY_SECOND = '* * * * * *';

function note(line: Omit<Line, 'pid' | 'now'>): void {
  appendFileSync(ledger, `${JSON.stringify({ ...line, pid: process.pid, now: Date.now() })}\n`);
}

/** Plain crons get no instant of theirs: the second in which they start has to do. */
function thisSecond(): number {
  return Math.floor(Date.now() / 1000) * 1000;
}

class Jobs {
  @LeaderCron(EVERY_SECOND, { name: 'second', timeZone: 'UTC', attempts })
  async ours({ scheduledAt, previous }: CronTick): Promise<void> {
    const tick = { way: 'ours', at: scheduledAt.getTime(), previous: previous?.getTime() ?? null } as const;
    note({ ...tick, event: 'start' });
    await sleep(Math.random() * 600);
    note({ ...tick, event: 'done' });
  }

  @Cron(EVERY_SECOND)
  @OnlyWhenLeader()
  gated(): void {
    note({ way: 'gated', event: 'start', at: thisSecond(), previous: null });
  }

  @Cron(EVERY_SECOND)
  async locked(): Promise<void> {
    const at = thisSecond();
    const isMine = await lock?.set(`second:${at}`, process.pid, 'PX', 5000, 'NX');
    if (isMine === 'OK') note({ way: 'locked', event: 'start', at, previous: null });
  }
}

const leases = {
  file: () => fileLease({ directory: store.address }),
  postgres: () => postgresLease({ connection: { connectionString: store.address } }),
  kubernetes: () => kubernetesLease({ kubeConfig: store.address }),
};

@Module({
  imports: [
    ScheduleModule.forRoot(),
    LeaderElectionModule.forRoot({
      leaseName: 'ticks',
      store: leases[store.kind](),
      leaseDuration: store.leaseDuration,
    }),
  ],
  providers: [Jobs],
})
class Application {}

const application = await NestFactory.createApplicationContext(Application, { logger: ['error'] });
application.enableShutdownHooks();
