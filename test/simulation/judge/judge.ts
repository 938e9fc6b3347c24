import type { LeadershipTerm, LossReason } from '../../../lib/election/leadership-term.js';
import type { WriteOutcome } from '../../../lib/election/lease-store.js';
import type { Contender } from '../world/contender.js';
import type { ClientHooks } from '../world/lease-client.js';
import type { LeaseService, Stored, Writer } from '../world/lease-service.js';
import { isOurs, type Process } from '../world/process.js';
import type { Plan } from '../world/plan.js';
import { Register } from '../world/register.js';
import type { Replica } from '../world/replica.js';
import { Mark } from '../world/timeline.js';
import type { World } from '../world/world.js';
import type { Excuse } from './excuses.js';
import { Health } from './health.js';
import { Incumbency } from './incumbency.js';
import { Ticks } from './ticks.js';
import type { Breach, Promise_ } from './promises.js';

/** Sees all replicas at one instant of true time, as nobody in the real world can, and holds them to the promises. */
export class Judge implements ClientHooks {
  verdict: Breach | null = null;
  readonly register: Register;
  readonly contenders: Contender[] = [];
  readonly led: number[] = [];
  terms = 0;
  /** What the lease called the latest term of each replica. */
  private readonly termIds = new Map<number, string | undefined>();
  /** What was let pass in this history. */
  readonly excuses = new Set<Excuse>();
  /** Revision at which the lease last changed hands, and whose it is. */
  private lastForeign = 0;
  private lastIdentity = '';
  /** The term that the lease names now. */
  private written: string | undefined;
  private highest = 0n;
  private newestTerm: { contender: Contender; legitimate: boolean } | null = null;
  private readonly incumbency: Incumbency;
  /** Until then two believers are somebody else's doing: a lease deleted under a holder that a cold replica knows nothing of. */
  private excusedUntil = Number.NEGATIVE_INFINITY;
  /** A jump of the wall clock suspends a term; nothing else may come back. */
  private readonly wallMayJump: boolean;
  /** The store has been restored: until then nothing that rests on its word is held against anybody. */
  private restoredUntil = Number.NEGATIVE_INFINITY;
  private readonly longestExcuse: number;
  readonly health: Health;
  readonly ticks: Ticks;
  private newest = 0;
  /** How often the store has been restored. */
  private epoch = 0;
  private readonly doubted = new Map<number, { term: LeadershipTerm; confirmed: Process['confirmed'] }>();
  onTerm: (contender: Contender) => void = () => undefined;

  constructor(
    readonly world: World,
    plan: Plan,
    service: () => LeaseService,
  ) {
    this.ticks = new Ticks(
      world,
      plan,
      service,
      this.contenders,
      (promise, what) => this.breach(promise, what),
      (why) => this.excuses.add(why),
    );
    this.health = new Health(world, plan, this);
    const longest = Math.max(30_000, ...plan.disturbances.map((d) => (d.kind === 'edit-duration' ? d.size * 1000 : 0)));
    this.longestExcuse = 1.5 * longest;
    this.register = new Register(world, (message) => this.breach('S3', message));
    this.wallMayJump =
      plan.disturbances.some(
        (d) => d.kind === 'wall-step' || d.kind === 'wrong-time' || d.kind === 'wall-freeze' || d.kind === 'suspend',
      ) || plan.nodes.some((n) => n.clocks.wallDrift !== 0 || n.clocks.wallWander !== 0);
    this.incumbency = new Incumbency((identity) => this.contenders.find((c) => c.process?.identity === identity), {
      ...plan.client,
      staleRead: plan.network.staleRead,
      isForged: plan.client.vouched === false && plan.disturbances.some(({ kind }) => kind === 'forge'),
    });
  }

  breach(promise: Promise_, what: string): void {
    if (this.verdict) return;
    this.verdict = { promise, what, at: this.world.now };
    this.world.mark(Mark.Violation, -1, 0, `${promise}: ${what}`);
    this.world.stop();
  }

  /** Asks everybody who runs, at this very instant. */
  ask(_why: string): void {
    let holder: Contender | null = null;
    for (const contender of this.contenders) {
      if (!contender.holds()) {
        this.checkSilence(contender);
        continue;
      }
      if (contender.ours) this.checkRevival(contender as Replica);
      if (holder) this.together(holder, contender);
      holder = contender;
    }
  }

  private together(a: Contender, b: Contender): void {
    if (this.world.now < this.excusedUntil) return;
    if (this.isRestored()) return;
    if (!a.ours && !b.ours) return;
    if (a.machine.blindUntil >= this.world.now || b.machine.blindUntil >= this.world.now) {
      this.excuses.add('a suspend hidden by a set clock');
      return;
    }
    if (!a.ours || !b.ours) {
      // client-go overruns its own lease; what ours must not do is overrun the lease that client-go rightly took.
      if (this.newestTerm?.contender.ours !== false || !this.newestTerm.legitimate) {
        this.excuses.add('client-go overran it');
        return;
      }
    }
    this.breach('S1', `${a.process!.identity} and ${b.process!.identity} both answer that they lead`);
  }

  /** A term that was seen invalid may come back only by a renewal that was confirmed since (a wall clock jump suspends). */
  private checkRevival(replica: Replica): void {
    const doubt = this.doubted.get(replica.index);
    const { answer, watch } = replica.process!.confirmed;
    const renewed = doubt !== undefined && (answer > doubt.confirmed.answer || watch > doubt.confirmed.watch);
    if (doubt && doubt.term === replica.term && !(renewed && this.wallMayJump)) {
      this.breach(
        'S5',
        `${replica.process!.identity} says leader again after it said no, and not because a clock was set and a renewal confirmed since`,
      );
    }
    this.doubted.delete(replica.index);
  }

  private checkSilence(contender: Contender): void {
    if (!contender.ours || !contender.process?.running) return;
    const { term, process } = contender as Replica;
    if (term) this.doubted.set(contender.index, { term, confirmed: { ...process!.confirmed } });
  }

  termBegan(replica: Replica, term: LeadershipTerm): void {
    this.terms++;
    this.ticks.termBegan(replica.process!);
    this.led.push(replica.index);
    this.termIds.set(replica.index, this.written);
    if (replica.process!.workLeft > 0)
      this.breach('P3', `${replica.process!.identity} lives through its exit, and leads again beside its old work`);
    this.world.mark(Mark.Leads, replica.index, Number(term.fencingToken), 'term begins');
    if (term.fencingToken <= this.highest && this.world.now >= this.excusedUntil && !this.isRestored()) {
      this.breach(
        'S2',
        `a term of ${replica.process!.identity} begins with token ${term.fencingToken}, not above ${this.highest}`,
      );
    }
    if (term.fencingToken > this.highest) this.highest = term.fencingToken;
    this.newestTerm = { contender: replica, legitimate: true };
    this.ask('a term begins');
    this.onTerm(replica);
  }

  /** A replica of client-go begins to lead; rightfully, unless its takeover is somebody's fault, or was answered after the next one. */
  rivalBegan(contender: Contender): void {
    this.led.push(contender.index);
    const holds = this.lastIdentity === contender.process!.identity;
    this.newestTerm = { contender, legitimate: holds && this.world.now >= this.excusedUntil };
    this.ask('client-go leads');
    this.onTerm(contender);
  }

  admitted(replica: Replica, term: LeadershipTerm): void {
    if (!term.isValid() && !(replica.machine.blindUntil > this.world.now))
      this.breach('S5', 'work is admitted under a term that is over');
    this.ask('work is admitted');
  }

  /** A term was given up because somebody else holds the lease: somebody else must have held it since. */
  gaveUp(replica: Replica, term: LeadershipTerm, reason: LossReason): void {
    if (reason !== 'superseded' && reason !== 'deleted') return;
    if (this.isRestored()) return;
    if (
      this.lastForeign < Number(term.fencingToken & 0xffffffffffffffn) &&
      this.lastIdentity === replica.process!.identity
    ) {
      this.breach(
        'L3',
        `${replica.process!.identity} gives up its term as ${reason}, and nobody has touched its lease`,
      );
    }
  }

  gone(contender: Contender): void {
    this.doubted.delete(contender.index);
  }

  /** Every write that the service applies comes by here. */
  changed(before: Stored, after: Stored, by: Writer): void {
    const writer = this.contenders.find((c) => c.process === by);
    if (writer?.ours && after.object) {
      const holder = before.object?.holder ?? '';
      if (after.object.holder === '') {
        if (holder !== by.identity) this.breach('S4', `${by.identity} empties the lease of ${holder || 'nobody'}`);
        // A claim that never became a term is let go at once; what still runs then is of a term that was over before it.
        const ofTerm = before.term !== undefined && before.term === this.termIds.get(writer.index);
        if (ofTerm && (writer as Replica).working > 0) this.releasedEarly(by as Process);
      }
    }
    this.ticks.changed(before, after, by);
    this.newest = after.revision;
    this.health.somebodyWrote();
    this.written = after.term;
    if (after.object?.holder !== this.lastIdentity) this.lastForeign = after.revision;
    this.lastIdentity = after.object?.holder ?? '';
    const takeover = this.incumbency.changed(before, after, by, this.world.now);
    if (takeover.kind === 'early' && !this.isRestored()) this.breach('S4', takeover.why);
    if (takeover.kind === 'excused') {
      this.excuses.add(takeover.why);
      this.excusedUntil = Math.max(this.excusedUntil, this.world.now + takeover.forMs);
    }
  }

  /** What is sent at the end of a process lands when its work has ended with it; where it has not, nobody could know. */
  private releasedEarly(by: Process): void {
    if (by.exitedAt === Number.NEGATIVE_INFINITY)
      this.breach('P3', `${by.identity} releases the lease while its admitted work runs`);
    else if (by.alive) this.excuses.add('a process that lived through its own exit');
  }

  /**
   * P1 and P2 do not hold across it, nor what follows from them: whoever believed goes on for the rest of its lease, and tokens go back.
   * In all that comes after, they hold again.
   */
  restored(current: Stored): void {
    this.epoch = current.epoch;
    this.ticks.lost();
    const until = this.world.now + this.longestExcuse;
    this.restoredUntil = Math.max(this.restoredUntil, until);
    this.newest = current.revision;
    this.written = current.term;
    this.lastForeign = current.revision;
    this.lastIdentity = current.object?.holder ?? '';
    this.incumbency.restored(current, this.world.now);
    this.register.lost();
    this.health.somebodyWrote();
    this.world.at(until, () => {
      // The answer to the newest write may be under way, and begin a term.
      const earlier = BigInt(this.newest) - 1n;
      if (this.highest > earlier) this.highest = earlier;
      this.register.restored(earlier);
    });
  }

  /** Whether the store's word of late was none; counts as an excuse. */
  private isRestored(): boolean {
    if (this.world.now >= this.restoredUntil) return false;
    this.excuses.add('a store restored from a backup');
    return true;
  }

  /** A process that has exited lives on. */
  survived(process: Process): void {
    this.incumbency.forgets(process);
    this.health.forgets(process);
  }

  writes(process: Process, outcome: WriteOutcome['kind'] | null): void {
    this.health.writes(process, outcome);
  }

  learned(process: Process, stored: Stored, by: 'answer' | 'watch'): void {
    if (stored.epoch !== this.epoch) return;
    this.health.learned(process, stored, by);
    this.incumbency.learned(process, stored, this.world.now);
  }

  isDead(holder: string): boolean {
    // Identities are never used again, so one that no living process answers to is dead.
    return isOurs(holder) && !this.contenders.some((c) => c.process?.alive && c.process.identity === holder);
  }
}
