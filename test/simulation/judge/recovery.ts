import type { Contender } from '../world/contender.js';
import type { Forger } from '../world/forger.js';
import type { Network } from '../world/network.js';
import type { Plan } from '../world/plan.js';
import type { World } from '../world/world.js';
import type { Judge } from './judge.js';

/** Timers are late by up to this much per step; takeovers wait a random moment of at most 250 ms. */
const LATENESS = 60;
const TAKEOVER_WINDOW = 250;
/** Default of `takeoverGrace`: comes on top where a holder cannot be told from client-go. */
const GRACE = 2500;
/** Requests of a standby in a handover, beside those of a quiet time: a read where the watch may not be believed; who loses the race has claimed, and reads once more. */
const HANDOVER_BUDGET = 4;

/** The liveness phase: everything heals, and there must be one leader again, in time, and it must stay; then it is made to go. */
export class Recovery {
  handover: number | null = null;
  takeover: number | null = null;
  private readonly rate: number;
  private readonly longest: number;
  /** Holders may be strangers: client-go's, or ours whose marks were lost. */
  private readonly grace: number;

  constructor(
    private readonly world: World,
    private readonly plan: Plan,
    private readonly network: Network,
    private readonly judge: Judge,
    private readonly forger: Forger,
  ) {
    const { client, nodes, disturbances } = plan;
    const strangers =
      client.marks !== 'kept' ||
      nodes.some((n) => n.kind !== 'ours') ||
      disturbances.some((d) => d.kind === 'strip-marks' || d.kind === 'steal');
    this.grace = strangers ? Math.max(GRACE, ...nodes.map((n) => n.options.takeoverGrace ?? 0)) : 0;
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
    const { longest, deafest } = this.workload();
    const undrained = deafest;
    const drain = Math.min(longest, 20_000);
    return (this.longest + this.grace + silence + retry + timeouts + undrained + drain) / this.rate + 1000;
  }

  /** How long work may last, and work that ignores its signal. */
  private workload(): { longest: number; deafest: number } {
    const { work, jobs } = this.plan;
    const all = [...(work.every > 0 ? [work] : []), ...jobs];
    const lasts = (kinds: typeof all) => Math.max(0, ...kinds.map((kind) => kind.lasts));
    return { longest: lasts(all), deafest: lasts(all.filter(({ deaf }) => deaf > 0)) };
  }

  private heal(): void {
    const { network, plan, judge } = this;
    for (const job of plan.jobs) Object.assign(job, { kills: 0, hangs: 0 });
    network.heal();
    Object.assign(plan.watch, { lag: 0, silent: 0, ends: 0, gone: 0, replay: 0, conflated: 0 });
    plan.work.deaf = plan.work.stepsDown = 0;
    for (const contender of judge.contenders) {
      contender.machine.freezeWall(false);
      contender.machine.resume();
      contender.start();
    }
    judge.ask('everything heals');
  }

  private recovered(): void {
    const leaders = this.leaders();
    if (leaders.length !== 1) {
      const within = ((this.world.now - this.plan.healAt) / 1000).toFixed(1);
      return this.judge.breach('L1', `${leaders.length} leaders ${within} s after everything healed`);
    }
    const leader = leaders[0]!;
    // A watch that was refused backs off to 30 s, jittered; by then the standbys must live by their watches alone.
    const quiet = Math.max(this.world.now, this.plan.healAt + 50_000 / this.rate);
    this.world.at(quiet, () => {
      const sent = this.spent();
      this.world.after(10_000, () => {
        if (!leader.holds())
          return this.judge.breach('L1', `${leader.process?.identity} loses the lease in a healed world`);
        this.checkSilence(leader, sent);
        this.checkHealth();
        this.judge.ticks.check();
        this.end(leader);
      });
    });
  }

  private checkSilence(leader: Contender, before: readonly number[]): void {
    const { client, nodes } = this.plan;
    if (client.watch !== 'ok' || client.probe === 'cheap' || nodes.some((n) => n.kind !== 'ours')) return;
    // A watch that tells of a lost history is no watch.
    if (this.isAstray()) return;
    // Where probes go over the network, a renewal that is late by half the learned rhythm counts as missed and is asked about. Two
    // ways of jitter make it that late, and as much again where early renewals have taught a shorter rhythm.
    const shortest = Math.min(15_000, ...nodes.map((n) => n.options.leaseDuration ?? 15_000));
    const rhythm = (0.2 * shortest) / Math.max(...nodes.map((n) => n.clocks.rate));
    if (client.probe === 'rare' && 4 * this.network.plan.jitter >= rhythm / 2) return;
    const now = this.spent();
    for (const { index } of this.judge.contenders) {
      const spent = now[index]! - before[index]!;
      if (index !== leader.index && spent > this.quietBudget(index, 10_000))
        this.judge.breach('C1', `standby ${index} of a healthy leader sends ${spent} requests in 10 s`);
    }
  }

  /** Reads fail no more, and every replica knows. Of writes a standby knows only what became of its own last one. */
  private checkHealth(): void {
    for (const contender of this.judge.contenders) {
      const failure = contender.failures?.()?.reading;
      if (failure) {
        this.judge.breach(
          'H1',
          `${contender.process?.identity} still tells of a failure that has healed: ${failure.message}`,
        );
      }
    }
  }

  /**
   * Requests of each so far. Where a read is due now and then, it may meet a renewal that the watch is about to tell of: then the watch
   * passes for dead and is opened anew, which is not counted.
   */
  private spent(): number[] {
    const { sent, opened } = this.network;
    return this.judge.contenders.map(
      ({ index: i }) => (sent[i] ?? 0) - (this.plan.client.vouched ? 0 : (opened[i] ?? 0)),
    );
  }

  /** Where the store does not vouch for its watch, one read per duration of the lease, jittered to earlier. */
  private quietBudget(index: number, milliseconds: number): number {
    const { client, nodes } = this.plan;
    if (client.vouched) return 0;
    const { options, clocks } = nodes[index]!;
    return Math.floor((milliseconds * clocks.rate) / (0.8 * (options.leaseDuration ?? 15_000))) + 1;
  }

  private isAstray(): boolean {
    return this.network.service.astrayUntil > this.world.now;
  }

  private leaders(): Contender[] {
    return this.judge.contenders.filter((c) => c.holds());
  }

  /** The leader is made to go; its successor has to be there as soon as the rules allow. */
  private end(contender: Contender): void {
    const { ending, nodes } = this.plan;
    const { world, judge } = this;
    if (ending === 'none' || nodes.some((n) => n.kind !== 'ours')) return;
    const begun = world.now;
    const leader = contender.process!.identity;
    const sent = this.spent();
    judge.onTerm = (successor) => {
      judge.onTerm = () => undefined;
      const { due, latest } = this.deadline(begun, leader);
      if (ending === 'stop') this.checkHandover([contender.index, successor.index], sent, begun);
      if (ending.endsWith('crash')) this.takeover = Math.max(0, world.now - due);
      else this.handover = world.now - begun;
      if (world.now > latest) this.late(begun, latest);
      else world.after(3000, () => world.stop());
    };
    this.expectSuccessor(begun, leader);
    if (ending === 'silent-stop') this.network.silencedAt = begun;
    if (ending === 'forged-crash') this.speakForTheDead(begun);
    if (ending.endsWith('crash')) contender.crash();
    else if (ending !== 'step-down') contender.stop();
    else contender.stepDown();
  }

  private expectSuccessor(begun: number, leader: string): void {
    const { latest } = this.deadline(begun, leader);
    this.world.at(latest, () => {
      if (this.handover !== null || this.takeover !== null) return;
      // A write that was under way at the crash landed meanwhile and counts.
      if (this.deadline(begun, leader).latest > latest) this.expectSuccessor(begun, leader);
      else this.late(begun, latest);
    });
  }

  /** Somebody sends signs of life in the name of the dead leader. */
  private speakForTheDead(begun: number): void {
    const { world, forger } = this;
    if (world.now > begun + this.forgedFor) return;
    forger.say('forged sign of life', -1);
    world.after(500, () => this.speakForTheDead(begun));
  }

  private get forgedFor(): number {
    return (0.8 * this.longest) / this.rate;
  }

  /** Two seconds later all that a handover costs has been spent. */
  private checkHandover(leaders: readonly number[], before: readonly number[], begun: number): void {
    const { client } = this.plan;
    if (client.watch !== 'ok' || client.probe !== 'none' || this.isAstray()) return;
    this.world.after(2000, () => {
      const now = this.spent();
      for (const { index } of this.judge.contenders) {
        const spent = now[index]! - before[index]!;
        const budget = HANDOVER_BUDGET + this.quietBudget(index, this.world.now - begun);
        if (!leaders.includes(index) && spent > budget)
          this.judge.breach('C1', `standby ${index} sends ${spent} requests in one handover`);
      }
    });
  }

  private late(begun: number, latest: number): void {
    const seconds = (this.world.now - begun) / 1000;
    const over = ((this.world.now - latest) / 1000).toFixed(3);
    this.judge.breach(
      'L2',
      `${seconds.toFixed(3)} s after the ${this.plan.ending} there is no successor, or only now: ${over} s late`,
    );
  }

  /** When the lease becomes free, and when a successor must lead at the latest. */
  private deadline(begun: number, leader: string): { due: number; latest: number } {
    const { ending, client, network, work, jobs } = this.plan;
    const crash = ending.endsWith('crash');
    const wait = this.longest + this.grace;
    const expiry = (this.network.service.heldAt.get(leader) ?? 0) + wait / this.rate;
    const trip = 2 * (network.latency + network.jitter);
    const isDeaf = client.watch !== 'ok' || this.isAstray();
    const poll = isDeaf ? (this.longest * (2 / 15) * 2.2) / this.rate : 0;
    // Twice the leader's rhythm as the standby has learned it, jittered: then it looks for itself.
    const silence = ending === 'silent-stop' || this.isAstray() ? (2 * 1.2 * 1.15 * 0.2 * this.longest) / this.rate : 0;
    // A forged sign of life counts until the next read, which silence brings about.
    const unmasked = begun + this.forgedFor + (2 * 1.2 * 1.15 * 0.2 * this.longest) / this.rate;
    const due = !crash ? begun : ending === 'forged-crash' ? Math.max(expiry, unmasked) : expiry;
    const isIdle = work.every === 0 && jobs.length === 0;
    const drain = crash || isIdle ? 0 : Math.min(Math.max(this.workload().longest + 2000, 2000), 20_000) / this.rate;
    return { due, latest: due + drain + poll + silence + 4 * trip + TAKEOVER_WINDOW / this.rate + LATENESS * 5 };
  }
}
