import type { CronTick } from '../election/index.js';
import { processWide } from '../election/process-wide.js';
import type { CronJobs, LeaderCronJob } from './cron-jobs.js';
import { checkedOptions, type LeaderCronOptions } from './leader-cron-options.js';

/** The work of one tick. A promise settles with the work. */
export type LeaderCronHandler = (tick: CronTick) => unknown;

/**
 * Cron jobs that are only known at run time. Every replica adds them, and the leader runs them.
 *
 * @publicApi
 */
export interface LeaderCronService {
  /**
   * Adds a job, as `@LeaderCron` does. Its ticks count from when a leader has written it down.
   * @throws LeaderElectionConfigError for an expression or options that are wrong, and for a name that is taken
   */
  add(name: string, expression: string, options: Omit<LeaderCronOptions, 'name'>, handler: LeaderCronHandler): void;
  /** Takes a job off, and what the lease keeps of it. A run of it that is under way ends as it will. Returns whether there was one. */
  delete(name: string): boolean;
  /** All jobs of the application. */
  list(): LeaderCronJob[];
}

/** One class in a process, for it is the token that Nest injects by. */
export const LeaderCronService: new (jobs: CronJobs) => LeaderCronService = processWide(
  'LeaderCronService',
  () =>
    class LeaderCronService {
      constructor(private readonly jobs: CronJobs) {}

      add(
        name: string,
        expression: string,
        options: Omit<LeaderCronOptions, 'name'> = {},
        handler: LeaderCronHandler,
      ): void {
        const where = `LeaderCronService.add('${String(name)}')`;
        this.jobs.add(checkedOptions(where, expression, { ...options, name }), handler, where);
      }

      delete(name: string): boolean {
        return this.jobs.delete(name);
      }

      list(): LeaderCronJob[] {
        return this.jobs.list();
      }
    },
);
