import {
  LeaderElectionConfigError,
  type CronTick,
  type JobStatus,
  type LeaderElector,
  type TickSchedule,
} from '../election/index.js';
import { quoted } from '../election/report/quoted.js';
import type { ElectionRegistry } from '../registry/election.registry.js';
import { arithmetic } from './arithmetic.js';
import type { CheckedOptions } from './leader-cron-options.js';

/** A job as it stands. */
export interface LeaderCronJob extends JobStatus {
  readonly expression: string;
  readonly timeZone: string;
  /** Name of its election. */
  readonly election: string;
}

interface Added {
  readonly options: CheckedOptions;
  readonly elector: LeaderElector;
  readonly schedule: TickSchedule;
}

/** Told of each job that comes and goes. */
export interface CronJobsListener {
  added(job: Added): void;
  deleted(name: string): void;
}

/** The cron jobs of one application, by name, whichever election runs them. */
export class CronJobs {
  private readonly jobs = new Map<string, Added>();
  private listener: CronJobsListener | undefined;

  constructor(private readonly elections: ElectionRegistry) {}

  /** @throws LeaderElectionConfigError */
  add(options: CheckedOptions, run: (tick: CronTick) => unknown, where: string): void {
    const { name, expression, timeZone, attempts, catchUp, election } = options;
    if (this.jobs.has(name)) {
      throw new LeaderElectionConfigError(
        `${where}: there is a job named "${quoted(name)}" already.`,
        'Give each job of the application a name of its own.',
      );
    }
    const { elector } = this.elections.get(election, where);
    const schedule = arithmetic()(expression, timeZone);
    elector.addJob({ name, schedule, attempts, catchUp, run });
    const added = { options, elector, schedule };
    this.jobs.set(name, added);
    this.listener?.added(added);
  }

  delete(name: string): boolean {
    const added = this.jobs.get(name);
    if (added === undefined) return false;
    this.jobs.delete(name);
    added.elector.deleteJob(name);
    this.listener?.deleted(name);
    return true;
  }

  list(): LeaderCronJob[] {
    return [...this.jobs.values()].map(({ options, elector }) => {
      const { name, expression, timeZone, election } = options;
      const status = elector.status().jobs.find((job) => job.name === name)!;
      return { ...status, expression, timeZone, election };
    });
  }

  /** Hears of the jobs that there are, and of what comes and goes from now on. */
  listen(listener: CronJobsListener): void {
    this.listener = listener;
    for (const added of this.jobs.values()) listener.added(added);
  }
}
