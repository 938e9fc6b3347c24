import type { Election } from '../../../lib/election/election.js';
import { isNotLeaderError } from '../../../lib/election/errors.js';
import type { LeadershipTerm } from '../../../lib/election/leadership-term.js';
import type { Judge } from '../judge/judge.js';
import type { WorkPlan } from './plan.js';
import type { Process } from './process.js';
import type { Replica } from './replica.js';
import { Mark } from './timeline.js';

/** The jobs of one application: now and then it offers its gate a piece of work that writes to the register. */
export class Workload {
  private readonly luck;

  constructor(
    private readonly replica: Replica,
    private readonly process: Process,
    private readonly elector: Election,
    private readonly plan: WorkPlan,
    private readonly judge: Judge,
  ) {
    this.luck = process.machine.world.random.stream(`work ${process.node}.${process.incarnation}`);
  }

  begin(): void {
    if (this.plan.every === 0) return;
    this.process.setTimer(
      () => {
        void this.offer();
        this.begin();
      },
      this.luck.between(0.2, 1.8) * this.plan.every,
    );
  }

  private async offer(): Promise<void> {
    const throws = this.luck.chance(this.plan.throws);
    try {
      await this.elector.runIfLeader((term) => this.work(term, throws));
    } catch (error) {
      if (!throws && !isNotLeaderError(error))
        this.judge.breach('S5', `admitted work fails with ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private async work(term: LeadershipTerm, throws: boolean): Promise<void> {
    const { luck, plan, judge, replica } = this;
    const { world } = this.process.machine;
    world.mark(Mark.Work, this.process.node, Number(term.fencingToken), 'begins');
    judge.admitted(replica, term);
    const ends = replica.works(this.process);
    try {
      const deaf = luck.chance(plan.deaf);
      const until = this.process.now() + luck.skewed(0, plan.lasts);
      if (deaf) world.count('work ignores its signal');
      const goesOn = (): boolean => deaf || !term.signal.aborted;
      while (this.process.now() < until && goesOn()) {
        if (deaf || term.isValid()) this.write(term);
        if (luck.chance(plan.stepsDown)) {
          world.count('stepDown inside admitted work');
          await this.elector.stepDown();
        }
        await this.sleep(luck.between(50, 2000));
      }
      if (throws) {
        world.count('work throws');
        throw new Error('work fails');
      }
    } finally {
      ends();
      world.mark(Mark.Work, this.process.node, Number(term.fencingToken), 'ends');
    }
  }

  private write(term: LeadershipTerm): void {
    const { world } = this.process.machine;
    world.after(this.luck.skewed(1, 3000), () => this.judge.register.write(this.process.node, term.fencingToken, term));
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.setTimer(resolve, milliseconds);
    });
  }
}
