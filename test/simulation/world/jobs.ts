import type { LeaderElector } from '../../../lib/election/elector.js';
import type { CronTick, TickJob } from '../../../lib/election/ticks/job.js';
import type { Judge } from '../judge/judge.js';
import { scheduleOf } from './job-schedule.js';
import type { JobPlan } from './plan.js';
import type { Process } from './process.js';
import type { Replica } from './replica.js';
import { Mark } from './timeline.js';

export function isChanged(job: JobPlan, node: number): boolean {
  return (job.changedBy & (1 << node)) !== 0;
}

export function lacks(job: JobPlan, node: number): boolean {
  return (job.lackedBy & (1 << node)) !== 0;
}

/** The jobs of one application, as `@LeaderCron` would add them. */
export class Jobs {
  private readonly luck;

  constructor(
    private readonly replica: Replica,
    private readonly process: Process,
    private readonly elector: Pick<LeaderElector, 'addJob' | 'ticks$'>,
    private readonly plans: readonly JobPlan[],
    private readonly judge: Judge,
  ) {
    this.luck = process.machine.world.random.stream(`jobs ${process.node}.${process.incarnation}`);
  }

  begin(): void {
    const { process, judge, elector } = this;
    elector.ticks$.subscribe((event) => process.running && judge.ticks.told(event));
    for (const plan of this.plans) if (!lacks(plan, process.node)) elector.addJob(this.job(plan));
  }

  private job(plan: JobPlan): TickJob {
    const changed = isChanged(plan, this.process.node);
    const { name, attempts, catchUp } = plan;
    return {
      name,
      attempts,
      catchUp,
      schedule: scheduleOf(plan, changed),
      run: (tick) => this.run(plan, tick),
    };
  }

  private async run(plan: JobPlan, tick: CronTick): Promise<void> {
    const { luck, judge, process, replica } = this;
    const { world } = process.machine;
    world.mark(Mark.Work, process.node, tick.scheduledAt.getTime(), `tick of ${tick.name} begins`);
    judge.ticks.started(process, plan, tick);
    judge.admitted(replica, tick.term);
    const ends = replica.works(process);
    try {
      if (luck.chance(plan.kills)) {
        world.count('tick kills its process');
        replica.crash();
        world.after(2000, () => replica.start());
        // Nothing of a dead process goes on.
        return await new Promise(() => undefined);
      }
      const deaf = luck.chance(plan.deaf);
      const hangs = luck.chance(plan.hangs);
      const until = process.now() + luck.skewed(0, plan.lasts);
      // What hangs does so until everything heals.
      const isOver = (): boolean => process.now() >= until && !(hangs && plan.hangs > 0);
      while (!isOver()) {
        if (!deaf && tick.term.signal.aborted) throw new Error('cut short');
        await new Promise<void>((resolve) => {
          process.setTimer(
            resolve,
            hangs ? 1000 : Math.min(luck.between(20, 2000), Math.max(1, until - process.now())),
          );
        });
      }
      if (luck.chance(plan.throws)) throw new Error('the tick fails');
      judge.ticks.finished(process, plan, tick, true);
    } catch (error) {
      judge.ticks.finished(process, plan, tick, !tick.term.signal.aborted);
      throw error;
    } finally {
      ends();
      world.mark(Mark.Work, process.node, tick.scheduledAt.getTime(), `tick of ${tick.name} ends`);
    }
  }
}
