import type { CronTick } from '../../../lib/election/ticks/job.js';
import { decodeLedger, EMPTY_LEDGER, type JobEntry, type Ledger } from '../../../lib/election/ticks/ledger.js';
import type { TickEvent } from '../../../lib/election/ticks/tick-scheduler.js';
import type { Contender } from '../world/contender.js';
import type { Fault } from '../world/faults.js';
import { scheduleOf } from '../world/job-schedule.js';
import { isChanged, lacks } from '../world/jobs.js';
import { EPOCH, type LeaseService, type Stored, type Writer } from '../world/lease-service.js';
import type { JobPlan, Plan } from '../world/plan.js';
import { isOurs, type Process } from '../world/process.js';
import type { World } from '../world/world.js';
import type { Excuse } from './excuses.js';
import type { Promise_ } from './promises.js';

const MINUTE = 60_000;
const FAR_AHEAD = 10 * MINUTE;
/** A leader has had time for everything that is due: timers, round trips, a renewal after a failure. */
const SETTLED = 15_000;

/** Ticks that somebody has answered for: later than `from`, up to `to`. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** A tick that began. */
export interface Start {
  /** Of the tick, by the wall clock. */
  readonly at: number;
  /** Allowed to it, when it began. */
  readonly attempts: number;
  readonly attempt: number;
  readonly previous: number | null;
  readonly node: number;
  /** True time at which it began, milliseconds. */
  readonly began: number;
}

/** A claim with one attempt that stood in the lease. Lost with its process, its ticks are lost. */
interface StoodClaim extends Span {
  readonly job: string;
  readonly term: string;
}

const COUNTED: Partial<Record<TickEvent['outcome'], Fault>> = {
  'cut-short': 'tick cut short',
  abandoned: 'tick abandoned',
  missed: 'tick missed',
  overdue: 'tick overdue',
  reset: 'mark set back',
};

/** T1 to T4: what became of each tick of each job. */
export class Ticks {
  /** By job, in the order in which they began. */
  readonly starts = new Map<string, Start[]>();
  private readonly open = new WeakMap<Process, Set<string>>();
  /** By job: when a run of it ended last, true time. */
  private readonly endedAt = new Map<string, number>();
  private readonly covered = new Map<string, Span[]>();
  private readonly stood: StoodClaim[] = [];
  private readonly begun = new Set<string>();
  private readonly released = new Set<string>();
  /** Ticks that somebody was told are given up. */
  private readonly abandoned = new Set<string>();
  /** Ticks up to here may start twice: the store has lost what it knew of them, or a clock was a year ahead. */
  private excusedUntil = Number.NEGATIVE_INFINITY;
  /** With more attempts than one, a creator of the lease that has seen less may begin older ticks again. */
  private unorderedUntil = Number.NEGATIVE_INFINITY;
  private leader: { readonly process: Process; readonly since: number; readonly wall: number } | null = null;
  /** By job: what fell due up to here was given up with an earlier expression. */
  private readonly floors = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly plan: Plan,
    private readonly service: () => LeaseService,
    private readonly contenders: readonly Contender[],
    private readonly breach: (promise: Promise_, what: string) => void,
    private readonly excuse: (why: Excuse) => void,
  ) {}

  termBegan(process: Process): void {
    this.leader = { process, since: this.world.now, wall: process.wall() };
  }

  started(process: Process, job: JobPlan, tick: CronTick): void {
    const at = tick.scheduledAt.getTime();
    const starts = of(this.starts, job.name);
    const who = `${process.identity} starts ${job.name} of ${at}`;
    const excused = at <= this.excusedUntil;
    if (starts.some((start) => start.at === at)) this.world.count('tick repeated');
    this.countZone(job, starts.at(-1)?.at ?? at, at);
    const twice = starts.some((start) => start.at === at && (start.attempts === 1 || job.attempts === 1));
    if (twice && excused) this.excuse('a tick of a lease that was lost');
    if (twice && !excused) this.breach('T1', `${who} a second time`);
    // What has started while every clock was wrong has no order with what comes after: its mark would be set back.
    const reach = Math.max(process.wall(), this.service().wall) + FAR_AHEAD;
    const later = starts.find((start) => start.at > at && start.at <= reach);
    const unordered = job.attempts > 1 ? Math.max(this.unorderedUntil, this.excusedUntil) : this.excusedUntil;
    if (later !== undefined && later.at > unordered) this.breach('T3', `${who} after ${later.at}`);
    if (at > process.wall()) this.breach('T4', `${who} at ${process.wall()}`);
    const open = this.openOf(process);
    if (open.has(job.name)) this.breach('T1', `${who} while another tick of it runs there`);
    if (tick.attempt < 1 || tick.attempt > job.attempts) this.breach('T2', `${who} as attempt ${tick.attempt}`);
    if (at <= (this.floors.get(job.name) ?? at - 1)) this.breach('T2', `${who}, from before its expression changed`);
    open.add(job.name);
    starts.push({
      at,
      attempts: job.attempts,
      attempt: tick.attempt,
      previous: tick.previous?.getTime() ?? null,
      node: process.node,
      began: this.world.now,
    });
    this.begun.add(`${job.name} ${at}`);
    if (job.attempts === 1) this.cover(job.name, tick.previous?.getTime(), at);
  }

  private countZone({ zone }: JobPlan, last: number, at: number): void {
    if (zone === null) return;
    if (last < EPOCH + zone.aheadAt && at >= EPOCH + zone.aheadAt) this.world.count('zone went ahead');
    if (last < EPOCH + zone.backAt && at >= EPOCH + zone.backAt) this.world.count('zone fell back');
  }

  finished(process: Process, job: JobPlan, tick: CronTick, isDone: boolean): void {
    this.openOf(process).delete(job.name);
    this.endedAt.set(job.name, this.world.now);
    if (isDone && job.attempts > 1) this.cover(job.name, tick.previous?.getTime(), tick.scheduledAt.getTime());
  }

  told({ job, scheduledAt, outcome }: TickEvent): void {
    const fault = COUNTED[outcome];
    if (fault !== undefined) this.world.count(fault);
    if (outcome === 'abandoned') this.abandoned.add(`${job} ${scheduledAt}`);
    if (outcome === 'abandoned') this.cover(job, undefined, scheduledAt);
    // What a clock missed that was an hour ahead answers for nothing that comes later.
    if (outcome === 'missed') this.cover(job, undefined, Math.min(scheduledAt, EPOCH + this.world.now + 2 * MINUTE));
    if (outcome !== 'reset') return;
    this.excuse('a mark far ahead of every clock');
    this.floors.delete(job);
    this.excusedUntil = Math.max(this.excusedUntil, scheduledAt);
  }

  /** The store has lost writes, or the lease: who remembers nothing of it cannot know what was started. */
  lost(): void {
    this.floors.clear();
    this.excusedUntil = Math.max(this.excusedUntil, this.latest());
    this.unorderedUntil = Math.max(this.unorderedUntil, this.latest());
  }

  private latest(): number {
    const walls = this.contenders.map(({ machine }) => machine.wall());
    // While every clock was wrong, ticks have started that none of them would reach now.
    const started = [...this.starts.values()].flatMap((starts) => starts.map(({ at }) => at));
    return Math.max(this.service().wall + MINUTE, ...walls, ...started);
  }

  /** Every write that the service applies comes by here, also of a process that is dead by now. */
  changed(before: Stored, after: Stored, by: Writer): void {
    if (this.plan.jobs.length === 0) return;
    if (after.object === null) {
      this.floors.clear();
      // Where the store shows no time, machines whose clocks differ cannot know what the others have started.
      if (this.plan.client.storeTime !== true) this.lost();
      this.unorderedUntil = Math.max(this.unorderedUntil, this.latest());
      // Claimed while every clock was wrong: only who has seen it can know.
      const marks = [...ledgerOf(before).values()]
        .map(({ mark }) => mark)
        .filter((mark) => mark > this.service().wall + MINUTE);
      this.excusedUntil = Math.max(this.excusedUntil, ...marks);
      return;
    }
    if (!isOurs(by.identity)) return;
    if (after.object.holder === '' && after.term !== undefined) this.released.add(after.term);
    if (after.object.ledger === before.object?.ledger) return;
    const [old, now] = [ledgerOf(before), ledgerOf(after)];
    for (const [job, entry] of now) {
      const last = old.get(job);
      if (last !== undefined && last.schedule !== entry.schedule) {
        this.world.count('expression changed');
        // What is unfinished under the new expression, as one remembers it from before a restore, is run again.
        this.floors.set(job, entry.claim === null ? entry.mark : entry.mark - 1);
      }
      if (last?.mark !== entry.mark && entry.claim?.term === after.term) this.checkExpression(job, entry, by.node);
      if (last !== undefined) this.checkGivenUp(job, last, entry, after.term);
      this.written(job, last, entry, after.term);
    }
  }

  /** What a healthy leader owes: every tick until a while ago has been answered for. */
  check(): void {
    const { leader, world } = this;
    const contender = this.contenders.find((c) => c.process === leader?.process);
    if (leader === null || contender?.holds() !== true || !contender.ours) return;
    if (world.now - leader.since < 2 * SETTLED) return;
    const wall = leader.process.wall();
    if (this.plan.client.storeTime === true && Math.abs(wall - this.service().wall) > MINUTE - 2000) {
      world.count('ticks held by clocks');
      return;
    }
    for (const job of this.plan.jobs) {
      // Under an expression that changes to and fro with each leader everything before the change is given up.
      if (lacks(job, contender.index) || this.plan.nodes.some((_, node) => isChanged(job, node))) continue;
      if (this.openOf(leader.process).has(job.name)) continue;
      // What waited for its end is only now being claimed.
      if (world.now - (this.endedAt.get(job.name) ?? 0) < SETTLED) continue;
      const until = wall - SETTLED;
      // Of a leader whose clock was ahead: it is run again, or gone on from, at its instant.
      const { current, wall: storeWall } = this.service();
      const { mark = 0, claim } = ledgerOf(current).get(job.name) ?? {};
      const isLeftOver = claim != null && claim.term !== current.term;
      if (mark > (isLeftOver ? until : wall) && mark <= Math.max(wall, storeWall) + FAR_AHEAD) continue;
      this.checkJob(job, until);
    }
  }

  private checkJob(job: JobPlan, until: number): void {
    const spans = of(this.covered, job.name);
    if (spans.length === 0) return this.breach('T2', `nothing was ever written of ${job.name}`);
    const first = Math.min(...spans.map(({ to }) => to));
    const { newest } = scheduleOf(job, false);
    for (let at = newest(until)!; at > first; at = newest(at - 1)!) {
      if (spans.some(({ from, to }) => from < at && at <= to)) continue;
      if (job.attempts === 1 && this.isLostClaim(job.name, at)) continue;
      return this.breach('T2', `nobody has answered for ${job.name} of ${at}`);
    }
  }

  /** A claim of it stood when its term ended without a release. */
  private isLostClaim(job: string, at: number): boolean {
    return this.stood.some(
      (claim) =>
        claim.job === job &&
        claim.from < at &&
        at <= claim.to &&
        claim.term !== this.service().current.term &&
        !this.begun.has(`${job} ${claim.to}`) &&
        !this.released.has(claim.term),
    );
  }

  /** An unfinished tick of an earlier term whose count ends without a done. */
  private checkGivenUp(job: string, before: JobEntry, { mark, done, claim }: JobEntry, term?: string): void {
    if (before.claim === null || before.attempts === 1 || before.claim.term === term) return;
    const isSettled = done !== null && done >= before.mark;
    const goesOn = claim !== null && claim.used >= before.claim.used;
    if (isSettled || goesOn || mark < before.mark) return;
    // Put back, or taken back to the claim before: it is still open.
    if (claim !== null && mark === before.mark) return;
    // Joined with the account of a lease that was deleted, or from before a restore.
    if (claim?.term !== term && mark > before.mark && this.unorderedUntil > Number.NEGATIVE_INFINITY) return;
    if (!this.abandoned.has(`${job} ${before.mark}`)) this.breach('T2', `${job} of ${before.mark} is given up untold`);
  }

  private checkExpression(job: string, { schedule, mark }: JobEntry, node: number): void {
    const plan = this.plan.jobs.find(({ name }) => name === job)!;
    if (schedule !== (isChanged(plan, node) ? 'changed' : 'first'))
      this.breach('T2', `${job} of ${mark} is claimed under another expression than the lease says`);
  }

  private written(job: string, before: JobEntry | undefined, { mark, done, claim, attempts }: JobEntry, term?: string) {
    if (before?.mark === mark) return;
    if (before !== undefined && mark < before.mark && claim?.term !== term) this.world.count('claim taken back');
    if (claim === null || claim.term !== term) {
      // A baseline: what fell due before it is given up.
      if (before?.claim != null || before === undefined || mark > before.mark) this.cover(job, before?.mark, mark);
      return;
    }
    if (attempts === 1)
      this.stood.push({ job, term: claim.term!, from: before?.done ?? Number.NEGATIVE_INFINITY, to: done ?? mark });
    const { service, plan } = this;
    const isWrong = plan.disturbances.some(({ kind }) => kind === 'wrong-time');
    if (plan.client.storeTime === true && !isWrong && mark > service().wall + MINUTE + 1000) {
      this.breach(
        'T1',
        `${job} of ${mark} is claimed more than a minute ahead of the store, which says ${service().wall}`,
      );
    }
  }

  private cover(job: string, from: number | undefined, to: number): void {
    of(this.covered, job).push({ from: from ?? Number.NEGATIVE_INFINITY, to });
  }

  private openOf(process: Process): Set<string> {
    let open = this.open.get(process);
    if (open === undefined) this.open.set(process, (open = new Set()));
    return open;
  }
}

function ledgerOf({ object }: Stored): Ledger {
  return decodeLedger(object?.ledger) ?? EMPTY_LEDGER;
}

function of<T>(map: Map<string, T[]>, key: string): T[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}
