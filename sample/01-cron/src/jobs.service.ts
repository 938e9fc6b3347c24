import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Cron, CronExpression, Interval } from '@nestjs/schedule';
import { LeaderElectionService, OnlyWhenLeader } from 'nestjs-leader';
import { WorkLog } from './work-log.js';

@Injectable()
export class JobsService {
  constructor(
    private readonly election: LeaderElectionService,
    private readonly log: WorkLog,
  ) {}

  @Cron(CronExpression.EVERY_SECOND)
  @OnlyWhenLeader()
  tick(): void {
    this.log.write('tick', this.election.requireTerm());
  }

  @Interval(2_500)
  @OnlyWhenLeader()
  poll(): void {
    this.log.write('poll', this.election.requireTerm());
  }

  /** Three seconds of work: a handover that comes in the middle lets it finish first. */
  @Cron('*/6 * * * * *')
  @OnlyWhenLeader()
  async report(): Promise<void> {
    const term = this.election.requireTerm();
    this.log.write('report', term, 'begins');
    for (const page of [1, 2, 3]) {
      await sleep(1_000);
      // The process may have been paused since; a successor may have written this page by now.
      if (!term.isValid()) return this.log.abandoned('report', term, `gives up before page ${page}: its term is over`);
      this.log.write('report', term, page < 3 ? `page ${page}` : 'page 3, finished');
    }
  }
}
