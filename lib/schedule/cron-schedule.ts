import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { LeaderElectionConfigError, type TickSchedule } from '../election/index.js';
import { quoted } from '../election/report/quoted.js';

/**
 * What an expression means, croner says; also around a change of the clock. It is asked by reference date only: it never runs a timer here.
 *
 * @throws LeaderElectionConfigError for an expression that it does not understand, one without a tick, and a zone that nobody knows
 */
export function cronSchedule(expression: string, timeZone: string): TickSchedule {
  const cron = parsed(expression, timeZone);
  const next = (instant: number): number | null => {
    // Ticks are whole seconds, and one at the reference itself is not its next.
    const tick = cron.nextRun(new Date(Math.floor(instant / 1000) * 1000))?.getTime() ?? null;
    return tick !== null && tick <= instant ? null : tick;
  };
  const newest = (instant: number): number | null => {
    const second = Math.floor(instant / 1000) * 1000;
    // The second after it: what falls on the reference itself is not before it.
    return cron.previousRuns(1, new Date(second + 1000))[0]?.getTime() ?? null;
  };
  const id = createHash('sha256')
    .update(`${expression.trim().replace(/\s+/g, ' ')}\n${timeZone}`)
    .digest('base64url');
  const schedule: TickSchedule = { id: id.slice(0, 11), next, newest };
  if (schedule.next(Date.now()) === null) {
    throw new LeaderElectionConfigError(
      `The cron expression "${quoted(expression)}" has no tick any more.`,
      "Write one that falls due again, as '0 6 * * *' does each day at six.",
    );
  }
  return schedule;
}

function parsed(expression: string, timeZone: string): Cron {
  try {
    const cron = new Cron(expression, { timezone: timeZone, paused: true });
    // A zone that nobody knows is found out by the first question.
    cron.nextRun();
    return cron;
  } catch (cause) {
    const why = cause instanceof Error ? quoted(cause.message) : 'it cannot be read';
    throw new LeaderElectionConfigError(
      `The cron expression "${quoted(expression)}" in the time zone "${quoted(timeZone)}" is none: ${why}.`,
      "Write five or six fields, as in '0 6 * * *', and a zone as in 'Europe/Paris'.",
    );
  }
}
