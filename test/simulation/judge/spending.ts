import type { Network } from '../world/network.js';
import type { Plan } from '../world/plan.js';
import type { World } from '../world/world.js';
import type { Judge } from './judge.js';

/** A replica that fails all the time tries every retry period; conflicts are retried at once, but few times. */
const MOST_A_MINUTE = 75;

/** C1: what a replica costs the store, minute by minute, in calm and in outages. */
export class Spending {
  total = 0;
  private before: number[] = [];

  constructor(
    private readonly world: World,
    private readonly plan: Plan,
    private readonly network: Network,
    private readonly judge: Judge,
  ) {
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
        if (this.plan.nodes[node]!.kind === 'ours' && spent > MOST_A_MINUTE) {
          this.judge.breach('C1', `replica ${node} sends ${spent} requests in one minute`);
        }
      }
      this.minute();
    });
  }
}
