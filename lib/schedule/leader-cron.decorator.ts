import type { CronTick } from '../election/index.js';
import type { HandlerDecorator } from '../decorators/on-leadership.decorator.js';
import { refuseStandardDecorator } from '../decorators/standard-decorator.js';
import { LEADER_CRON_METADATA } from '../leader-election.constants.js';
import { checkedOptions, type CheckedOptions, type LeaderCronOptions } from './leader-cron-options.js';

/**
 * Runs the method on the leader each time that the expression falls due, with the tick: scheduled, gated and drained in one. What falls due
 * while nobody leads is made up for by one run of the newest tick, as soon as somebody does.
 *
 * @throws LeaderElectionConfigError for options that are wrong; at start for an expression that is none
 * @publicApi
 */
export function LeaderCron(expression: string, options: LeaderCronOptions): HandlerDecorator<[tick: CronTick]> {
  return (target, key, descriptor) => {
    refuseStandardDecorator('@LeaderCron', key);
    const where = `@LeaderCron on ${target.constructor.name}.${String(key)}`;
    const method = descriptor.value as object;
    const others: CheckedOptions[] = Reflect.getMetadata(LEADER_CRON_METADATA, method) ?? [];
    Reflect.defineMetadata(LEADER_CRON_METADATA, [...others, checkedOptions(where, expression, options)], method);
  };
}
