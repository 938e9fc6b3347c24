import type { Network } from '../world/network.js';
import type { Plan } from '../world/plan.js';
import type { World } from '../world/world.js';
import type { Judge } from './judge.js';

/** Of a lease of 15 s: a replica that fails all the time tries every retry period; conflicts are retried at once, but few times. */
const MOST_A_MINUTE = 90;
const LEAST_BUDGET = 60;
const MOST_DISOBEDIENCE = 3;

/** C1: what a replica costs the store, minute by minute, in calm and in outages. */
export class Spending {
  total = 0;
  private before: number[] = [];
  private readonly most: number;

  constructor(
    private readonly world: World,
    private readonly plan: Plan,
    private readonly network: Network,
    private readonly judge: Judge,
  ) {
    const pace = plan.nodes.map((n) => (n.clocks.rate * 15_000) / (n.options.leaseDuration ?? 15_000));
    // Each instant of a job is a write of the leader, and another where it was taken back or refused.
    const ticks = plan.jobs.reduce((sum, { every }) => sum + (2 * 60_000) / every, 0);
    this.most = Math.max(LEAST_BUDGET, MOST_A_MINUTE * Math.max(...pace)) + ticks;
    this.obedience();
    // An administrator who edits twice a second makes conflicts twice a second.
    if (plan.disturbances.some((d) => d.kind === 'annotate') || plan.client.probe !== 'none') return;
    this.minute();
  }

  /** Who was asked to leave the service alone does so: it may look once or twice for another reason, and not all the time. */
  private obedience(): void {
    this.world.after(60_000, () => {
      for (const [node, times] of this.network.disobeyed.entries()) {
        if (this.plan.nodes[node]!.kind === 'ours' && (times ?? 0) > MOST_DISOBEDIENCE)
          this.judge.breach('C1', `replica ${node} asks ${times} times in one minute although it was asked to wait`);
        this.network.disobeyed[node] = 0;
      }
      this.obedience();
    });
  }

  private minute(): void {
    this.world.after(60_000, () => {
      for (const [node, sent] of this.network.sent.entries()) {
        const spent = (sent ?? 0) - (this.before[node] ?? 0);
        this.before[node] = sent ?? 0;
        this.total += spent;
        if (this.plan.nodes[node]!.kind === 'ours' && spent > this.most)
          this.judge.breach('C1', `replica ${node} sends ${spent} requests in one minute`);
      }
      this.minute();
    });
  }
}
