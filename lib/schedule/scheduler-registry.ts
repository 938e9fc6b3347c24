import { Logger } from '@nestjs/common';
import type { JobStatus, LeaderElector } from '../election/index.js';
import type { CheckedOptions } from './leader-cron-options.js';

/** What is used of the registry of `@nestjs/schedule`, which may not be installed. */
export interface SchedulerRegistryLike {
  addCronJob(name: string, job: object): void;
  deleteCronJob(name: string): void;
}

/** That of `@nestjs/schedule`, if the application imports it. */
export function schedulerRegistryOf(instances: Iterable<object>): SchedulerRegistryLike | undefined {
  for (const instance of instances) {
    const { constructor } = instance as { constructor?: { name?: string } };
    const { addCronJob, deleteCronJob } = instance as Partial<SchedulerRegistryLike>;
    if (constructor?.name === 'SchedulerRegistry' && addCronJob !== undefined && deleteCronJob !== undefined)
      return instance as SchedulerRegistryLike;
  }
  return undefined;
}

/** A job as the pages and tools see it that list the cron jobs of `@nestjs/schedule`. It can be looked at, and not be steered. */
export class JobFace {
  readonly cronTime: { readonly source: string; readonly timeZone: string };
  readonly name: string;
  /** Wrapped by the registry. The leader runs the job by its own timer, so this does nothing. */
  fireOnTick = (): void => this.refuse('fireOnTick()');

  constructor(
    options: CheckedOptions,
    private readonly elector: LeaderElector,
    private readonly next: (after: number) => number | null,
  ) {
    this.name = options.name;
    this.cronTime = { source: options.expression, timeZone: options.timeZone };
  }

  /** Whether this replica starts its ticks. */
  get isActive(): boolean {
    return this.elector.isLeader();
  }

  get isCallbackRunning(): boolean {
    return this.status?.isRunning === true;
  }

  /** The tick that was done last, on any replica. */
  lastDate(): Date | null {
    const last = this.status?.last ?? null;
    return last === null ? null : new Date(last);
  }

  get lastExecution(): Date | null {
    return this.lastDate();
  }

  /** A `Date`, where `@nestjs/schedule` gives one of luxon. */
  nextDate(): Date | null {
    const next = this.next(Date.now());
    return next === null ? null : new Date(next);
  }

  nextDates(count = 1): Date[] {
    const dates: Date[] = [];
    for (let at = this.next(Date.now()); at !== null && dates.length < count; at = this.next(at))
      dates.push(new Date(at));
    return dates;
  }

  start(): void {
    this.refuse('start()');
  }

  /** `@nestjs/schedule` stops all jobs when the application shuts down. */
  stop(): void {
    if (this.status !== undefined && this.elector.status().role !== 'stopped') this.refuse('stop()');
  }

  setTime(): void {
    this.refuse('setTime()');
  }

  addCallback(): void {
    this.refuse('addCallback()');
  }

  private get status(): JobStatus | undefined {
    return this.elector.status().jobs.find(({ name }) => name === this.name);
  }

  private refuse(what: string): void {
    new Logger('LeaderElection').warn(
      `${what} of the job "${this.name}" does nothing: the leader runs it. Use LeaderCronService of nestjs-leader/schedule.`,
    );
  }
}
