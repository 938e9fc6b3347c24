/**
 * Cron jobs whose ticks are neither lost nor doubled when leadership moves. Needs the optional peer `croner`.
 *
 * @module nestjs-leader/schedule
 */

import { cronSchedule } from './cron-schedule.js';
import { useArithmetic } from './arithmetic.js';

useArithmetic(cronSchedule);

export { LeaderCron } from './leader-cron.decorator.js';
export { LeaderCronService, type LeaderCronHandler } from './leader-cron.service.js';
export type { LeaderCronJob } from './cron-jobs.js';
export type { LeaderCronOptions } from './leader-cron-options.js';
export type { CronTick } from '../election/index.js';
