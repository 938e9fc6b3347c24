import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { LeaderElectionConfigError, type CronTick } from '../election/index.js';
import { ProviderMethods } from '../explorers/provider-methods.js';
import { LEADER_CRON_METADATA } from '../leader-election.constants.js';
import { NO_INSTANCE_ADVICE, NO_INSTANCE_MESSAGE } from '../leader-election.messages.js';
import { CronJobs } from './cron-jobs.js';
import type { CheckedOptions } from './leader-cron-options.js';
import { JobFace, schedulerRegistryOf } from './scheduler-registry.js';

/** What `@Cron`, `@Interval` and `@Timeout` of `@nestjs/schedule` leave on a method. */
const OTHER_SCHEDULES = ['SCHEDULE_CRON_OPTIONS', 'SCHEDULE_INTERVAL_OPTIONS', 'SCHEDULE_TIMEOUT_OPTIONS'];

/** Finds `@LeaderCron` methods, and has the leaders of their elections run them. */
@Injectable()
export class CronJobsExplorer implements OnModuleInit {
  constructor(
    @Inject(ProviderMethods) private readonly providerMethods: ProviderMethods,
    @Inject(CronJobs) private readonly jobs: CronJobs,
  ) {}

  onModuleInit(): void {
    this.showInSchedulerRegistry();
    for (const { label, method, name, instances, isStatic } of this.providerMethods.withMetadata(
      LEADER_CRON_METADATA,
    )) {
      if (!isStatic) throw new LeaderElectionConfigError(NO_INSTANCE_MESSAGE(label), NO_INSTANCE_ADVICE);
      if (OTHER_SCHEDULES.some((key) => Reflect.hasMetadata(key, method))) {
        throw new LeaderElectionConfigError(
          `${label} is scheduled twice: by @LeaderCron, and by @nestjs/schedule on every replica.`,
          'Take the decorator of @nestjs/schedule off.',
        );
      }
      for (const options of Reflect.getMetadata(LEADER_CRON_METADATA, method) as CheckedOptions[]) {
        for (const instance of instances) {
          // Looked up at each call: whoever replaces the method on the instance, a test double say, is respected.
          const run = (tick: CronTick) => (instance as Record<string, (tick: CronTick) => unknown>)[name]!(tick);
          this.jobs.add(options, run, `@LeaderCron on ${label}`);
        }
      }
    }
  }

  private showInSchedulerRegistry(): void {
    const registry = schedulerRegistryOf(this.providerMethods.instances());
    if (registry === undefined) return;
    this.jobs.listen({
      added: ({ options, elector, schedule }) =>
        registry.addCronJob(options.name, new JobFace(options, elector, (after) => schedule.next(after))),
      deleted: (name) => registry.deleteCronJob(name),
    });
  }
}
