import type { Contender } from '../world/contender.js';
import type { Network } from '../world/network.js';
import type { Plan } from '../world/plan.js';
import type { World } from '../world/world.js';
import type { Judge } from './judge.js';

/** Timers are late by up to this much per step; takeovers wait a random moment of at most 250 ms. */
const LATENESS = 60;
const TAKEOVER_WINDOW = 250;

/** The liveness phase: everything heals, and there must be one leader again, in time, and it must stay; then it is made to go. */
export class Recovery {
  handover: number | null = null;
  takeover: number | null = null;
  private readonly rate: number;
  private readonly longest: number;

  constructor(
    private readonly world: World,
    private readonly plan: Plan,
    private readonly network: Network,
    private readonly judge: Judge,
  ) {
    this.rate = Math.min(...plan.nodes.map((n) => n.clocks.rate));
    this.longest = Math.max(
      15_000,
      ...plan.nodes.map((n) => n.options.leaseDuration ?? 0),
      ...plan.disturbances.filter((d) => d.kind === 'edit-duration').map((d) => d.size * 1000),
    );
    if (plan.healAt >= plan.endAt) return;
    world.at(plan.healAt, () => this.heal());
    const due = plan.healAt + this.bound();
    world.at(due, () => this.recovered());
  }

  /** Longest recorded duration + silence threshold + one maximum retry + two maximum request timeouts, on the slowest clock. */
  private bound(): number {
    const silence = this.longest * 0.2 * 2 * 1.5;
    const retry = this.longest * (2 / 15) * 2.2;
    const timeouts = 2 * this.longest * 0.4;
    const undrained = this.plan.work.deaf > 0 ? this.plan.work.lasts : 0;
    const drain = this.plan.work.every > 0 ? Math.min(this.plan.work.lasts, 20_000) : 0;
    return (this.longest + silence + retry + timeouts + undrained + drain) / this.rate + 1000;
  }

  private heal(): void {
    const { network, plan, judge, world } = this;
    network.heal();
    Object.assign(plan.watch, { lag: 0, silent: 0, ends: 0, gone: 0, replay: 0, conflated: 0 });
    plan.work.deaf = plan.work.stepsDown = 0;
    for (const contender of judge.contenders) {
      contender.machine.freezeWall(false);
      contender.machine.resume();
      contender.start();
    }
    judge.ask('everything heals');
    void world;
  }

  private recovered(): void {
    const leaders = this.leaders();
    if (leaders.length !== 1) {
      const within = ((this.world.now - this.plan.healAt) / 1000).toFixed(1);
      return this.judge.breach('L1', `${leaders.length} leaders ${within} s after everything healed`);
    }
    const leader = leaders[0]!;
    this.world.after(2000, () => {
      if (!leader.holds())
        return this.judge.breach('L1', `${leader.process?.identity} loses the lease in a healed world`);
      this.end(leader);
    });
  }

  private leaders(): Contender[] {
    return this.judge.contenders.filter((c) => c.holds());
  }

  private end(leader: Contender): void {
    const { ending, client, network, nodes, work } = this.plan;
    const { world, judge } = this;
    if (ending === 'none' || !leader.ours || nodes.some((n) => n.kind !== 'ours')) return;
    const begun = world.now;
    const lastWrite = this.network.service.current.at;
    const watched = client.watch === 'ok';
    const poll = watched ? 0 : (this.longest * (2 / 15) * 2.2) / this.rate;
    const trip = 2 * (network.latency + network.jitter);
    const drain = work.every > 0 ? Math.min(work.lasts, 20_000) / this.rate : 0;
    const lease = ((leader as { leaseDuration?: number }).leaseDuration ?? this.longest) / this.rate;
    const crash = ending === 'crash';
    const due = crash ? lastWrite + lease : begun;
    const bound = due + (crash ? 0 : drain) + poll + 4 * trip + TAKEOVER_WINDOW / this.rate + LATENESS * 5;
    judge.onTerm = () => {
      judge.onTerm = () => undefined;
      if (crash) this.takeover = Math.max(0, world.now - due);
      else this.handover = world.now - begun;
      world.at(bound, () => undefined);
      if (world.now > bound)
        judge.breach(
          'L2',
          `a successor leads ${(world.now - begun).toFixed(0)} ms after the ${ending}, ${(world.now - bound).toFixed(0)} too late`,
        );
      else world.after(3000, () => world.stop());
    };
    world.at(bound, () => {
      if (this.handover === null && this.takeover === null)
        judge.breach('L2', `no successor ${(bound - begun).toFixed(0)} ms after the ${ending}`);
    });
    if (crash) leader.crash();
    else if (ending === 'stop') leader.stop();
    else leader.stepDown();
  }
}
