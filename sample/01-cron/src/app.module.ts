import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { fileLease, LeaderElectionModule } from 'nestjs-leader';
import { JobsService } from './jobs.service.js';
import { LeadershipWatcher } from './leadership.watcher.js';
import { WorkLog } from './work-log.js';

@Module({
  imports: [
    ScheduleModule.forRoot(),
    LeaderElectionModule.forRoot({
      leaseName: 'cron-sample',
      // Short, so that nobody waits long for a paused leader's lease to run out. In production leave the default.
      leaseDuration: 5_000,
      store: fileLease({ directory: process.env.LEASE_DIRECTORY }),
    }),
  ],
  providers: [JobsService, LeadershipWatcher, WorkLog],
})
export class AppModule {}
