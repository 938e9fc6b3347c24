import type { Network } from '../world/network.js';
import type { Plan } from '../world/plan.js';
import type { World } from '../world/world.js';
import type { Judge } from './judge.js';

/** Of a lease of 15 s: a replica that fails all the time tries every retry period; conflicts are retried at once, but few times. */
const MOST_A_MINUTE = 90;
const LEAST_BUDGET = 60;

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
    this.most = Math.max(LEAST_BUDGET, MOST_A_MINUTE * Math.max(...pace));
    // An administrator who edits twice a second makes conflicts twice a second.
    if (plan.disturbances.some((d) => d.kind === 'annotate') || plan.client.probe !== 'none') return;
    this.minute();
  }

  private minute(): void {
    this.world.after(60_000, () => {
      for (const [node, sent] of this.network.sent.entries()) {
        const spent = (sent ?? 0) - (this.before[node] ?? 0);
        this.before[node] = sent ?? 0;
        this.total += spent;
        if (this.plan.nodes[node]!.kind === 'ours' && spent > this.most) {
          this.judge.breach('C1', `replica ${node} sends ${spent} requests in one minute`);
        }
      }
      this.minute();
    });
  }
}
