import { checkKeys, checkOptionsObject } from '../election/arguments.js';
import { LeaderElectionConfigError } from '../election/index.js';
import { quoted } from '../election/report/quoted.js';
import { DEFAULT_ELECTION } from '../leader-election.constants.js';

/** Of `@LeaderCron` and of `LeaderCronService.add`. */
export interface LeaderCronOptions {
  /** Unique in the application, and the same on every replica: the lease keeps account under it. A renamed job is a new one. */
  name: string;
  /** IANA name of the zone in which the expression is meant, `Europe/Paris`. Default: that of this process when it starts. */
  timeZone?: string;
  /** Ticks that fell due while nobody led: one run makes up for all of them. `false`: none; milliseconds: only for those that are no older. Default true. */
  catchUp?: boolean | number;
  /** How often a tick may be begun, if the process that runs it crashes. Default 1: no tick starts twice. A handler that rejects has run: it is not run again. */
  attempts?: number;
  /** The election whose leader runs it. Default: the default one. */
  election?: string;
}

export interface CheckedOptions extends Required<LeaderCronOptions> {
  readonly expression: string;
}

const EXAMPLE = "@LeaderCron('0 6 * * *', { name: 'invoices' })";
const LONGEST_NAME = 120;

/** @throws LeaderElectionConfigError that says what to type */
export function checkedOptions(where: string, expression: string, options: LeaderCronOptions): CheckedOptions {
  if (typeof expression !== 'string')
    throw new LeaderElectionConfigError(`${where}: a cron expression is a string.`, `Write ${EXAMPLE}.`);
  checkOptionsObject(where, options, EXAMPLE);
  checkKeys(where, options, ['name', 'timeZone', 'catchUp', 'attempts', 'election']);
  const { name, timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone, catchUp = true, attempts = 1 } = options;
  const { election = DEFAULT_ELECTION } = options;
  const refuse = (what: string, advice: string): never => {
    throw new LeaderElectionConfigError(`${where}: ${what}`, advice);
  };
  if (typeof name !== 'string' || name.trim() === '' || name.length > LONGEST_NAME) {
    refuse(
      `a job needs a name of 1 to ${LONGEST_NAME} characters: the lease keeps account under it.`,
      `Write ${EXAMPLE}.`,
    );
  }
  if (typeof timeZone !== 'string')
    refuse(`timeZone is ${quoted(timeZone)}.`, "Write the IANA name of a zone, as in timeZone: 'Europe/Paris'.");
  if (typeof catchUp !== 'boolean' && !(typeof catchUp === 'number' && catchUp >= 0))
    refuse(`catchUp is ${quoted(catchUp)}.`, 'Write true, false, or milliseconds, as in catchUp: 3_600_000.');
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 1_000)
    refuse(`attempts is ${quoted(attempts)}.`, 'Write a whole number from 1 on, as in attempts: 3.');
  if (typeof election !== 'string')
    refuse(`election is ${quoted(election)}.`, "Write its name, as in election: 'reports'.");
  return { expression, name, timeZone, catchUp, attempts, election };
}
