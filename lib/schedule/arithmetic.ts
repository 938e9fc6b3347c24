import { LeaderElectionConfigError, type TickSchedule } from '../election/index.js';
import { processWide } from '../election/process-wide.js';

/** Makes a schedule of an expression in a time zone. @throws LeaderElectionConfigError */
export type CronArithmetic = (expression: string, timeZone: string) => TickSchedule;

/** Handed in by the subpath, so that an application without cron jobs does not need the package that calculates them. */
const installed = processWide('cron-arithmetic', (): { create?: CronArithmetic } => ({}));

export function useArithmetic(create: CronArithmetic): void {
  installed.create = create;
}

/** @throws LeaderElectionConfigError when `nestjs-leader/schedule` was never imported */
export function arithmetic(): CronArithmetic {
  if (installed.create !== undefined) return installed.create;
  throw new LeaderElectionConfigError(
    'There is nothing here that understands cron expressions.',
    "Import LeaderCron or LeaderCronService from 'nestjs-leader/schedule'.",
  );
}
