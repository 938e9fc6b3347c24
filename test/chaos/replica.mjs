// One replica of an application with a job each second, on the file store. What the job does goes into a ledger outside.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { fileLease, LeaderElectionModule } from 'nestjs-leader';
import { LeaderCron } from 'nestjs-leader/schedule';

const [directory, ledger, attempts] = process.argv.slice(2);
const note = (event, { scheduledAt, previous, attempt }) =>
  appendFileSync(
    ledger,
    `${JSON.stringify({ event, pid: process.pid, at: scheduledAt.getTime(), previous: previous?.getTime() ?? null, attempt, now: Date.now() })}\n`,
  );

class Job {
  async run(tick) {
    note('start', tick);
    await sleep(Math.random() * 600);
    note('done', tick);
  }
}
LeaderCron('* * * * * *', { name: 'second', timeZone: 'UTC', attempts: Number(attempts) })(
  Job.prototype,
  'run',
  Object.getOwnPropertyDescriptor(Job.prototype, 'run'),
);

class Application {}
const store = fileLease({ directory });
const election = LeaderElectionModule.forRoot({ leaseName: 'ticks', store, leaseDuration: 2000 });
Module({ imports: [election], providers: [Job] })(Application);
const application = await NestFactory.createApplicationContext(Application, { logger: ['error'] });
application.enableShutdownHooks();
