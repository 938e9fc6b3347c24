import type { Fault } from './faults.js';
import { LeaseStoreError } from '../../../lib/election/errors.js';
import type { Snapshot } from '../../../lib/election/lease-store.js';
import type { LeaseService, Reply, StoredObject } from './lease-service.js';
import type { Process } from './process.js';
import type { Random } from './random.js';
import { Mark } from './timeline.js';
import type { World } from './world.js';

/** Chances per request; milliseconds one way. */
export interface NetworkPlan {
  latency: number;
  jitter: number;
  lostRequest: number;
  lostResponse: number;
  cut: number;
  duplicate: number;
  late: number;
  staleRead: number;
  throttled: number;
  failedBefore: number;
  failedAfter: number;
  /** Chance that a request makes the whole service stall for 3 to 8 s. */
  stall: number;
}

/** What one replica's way to the service is like just now. */
export interface Link {
  up: boolean;
  down: boolean;
  /** Added each way. */
  slow: number;
  forbidden: boolean;
  /** Credentials that are not taken just now: for everything, or for watches alone. */
  unauthorized: 'no' | 'all' | 'watches';
  /** Which of several servers its connection leads to. */
  server: number;
}

export type WriteFault = 'conflict' | 500 | 403 | 422;

/** For how long a server that wants to be left alone asks for it. */
const LONG_PATIENCE = 20_000;

export type Answer = Reply | 'cut';

/** A watch as the forger sees it: it speaks on the channel on which the store speaks. */
export interface Feed {
  readonly node: number;
  forge(snapshot: Snapshot): void;
}

/** Nothing in them differs from one to the next. */
const FAILED = new LeaseStoreError('STORE_FAILED', 'watch: 500');
const FORBIDDEN = new LeaseStoreError('STORE_FORBIDDEN', 'watch: 403');
const UNAUTHENTICATED = new LeaseStoreError('STORE_UNAUTHENTICATED', 'watch: 401');
const LEAVE_ALONE = new LeaseStoreError('STORE_FAILED', 'watch: 429', { retryAfter: LONG_PATIENCE });
export type Outage = 'hang' | 'refuse' | 'error';

/** Carries requests to the service and answers back, and does to them what networks do. */
export class Network {
  readonly links: Link[] = [];
  readonly sent: number[] = [];
  outage: Outage | null = null;
  /** What every write meets, while reads work. */
  writeFault: { readonly kind: WriteFault; readonly since: number } | null = null;
  /** Several servers behind one address, the first of which answers everything with this. */
  servers: { readonly count: number; readonly status: 500 | 503 } | null = null;
  /** Requests of these kinds are answered with 429 and a long Retry-After. */
  readonly leaveAlone = { read: false, write: false, watch: false };
  /** Each watch shows one state and ends. */
  briefWatches = false;
  /** Those among them that open a watch. */
  readonly opened: number[] = [];
  /** Requests that a replica sent although it had been asked not to, by node. */
  readonly disobeyed: number[] = [];
  stalledUntil = 0;
  /** Watches opened before this tell nothing any more, and do not end either. */
  silencedAt = Number.NEGATIVE_INFINITY;
  /** Breaks off each watch that is open. */
  readonly watches = new Set<() => void>();
  /** All watches that are open: what a forger speaks to. */
  readonly feeds = new Set<Feed>();
  /** What each node has last tried to write. */
  readonly attempts: StoredObject[] = [];
  private healed = 0;

  constructor(
    readonly world: World,
    readonly service: LeaseService,
    readonly plan: NetworkPlan,
    private readonly luck: Random,
  ) {}

  link(node: number): Link {
    return (this.links[node] ??= {
      up: true,
      down: true,
      slow: 0,
      forbidden: false,
      unauthorized: 'no',
      server: this.servers === null ? 0 : this.luck.below(this.servers.count),
    });
  }

  /** What a server answers to a watch that is opened, if it refuses it. */
  refusalOfWatch(from: Process): LeaseStoreError | null {
    const { world } = this;
    const link = this.link(from.node);
    if (link.unauthorized !== 'no') {
      world.count('credentials refused');
      return UNAUTHENTICATED;
    }
    if (this.errs(link)) {
      world.count('one server of several errs');
      return FAILED;
    }
    if (this.leaveAlone.watch) {
      world.count('asked to be left alone');
      return LEAVE_ALONE;
    }
    return link.forbidden ? FORBIDDEN : null;
  }

  /** The connection is given up, and another one may lead to another server. */
  reconnect(node: number): void {
    if (this.servers !== null) this.link(node).server = this.luck.below(this.servers.count);
  }

  /** A process that was asked to be left alone asks again. It lets its lease expire for nobody, so one that holds it may, or held it a moment ago. */
  heed(from: Process, what: 'read' | 'watch'): void {
    const heldAt = this.service.heldAt.get(from.identity) ?? Number.NEGATIVE_INFINITY;
    const mayBelieve = this.world.now < heldAt + from.longestObedience / from.machine.clocks.rate;
    if (this.world.now >= from.leftAloneUntil[what] || mayBelieve) return;
    this.disobeyed[from.node] = (this.disobeyed[from.node] ?? 0) + 1;
  }

  /** It has been told to leave the service alone. */
  toldToLeaveAlone(from: Process, what: 'read' | 'watch', retryAfter: number): void {
    if (retryAfter < LONG_PATIENCE) return;
    const { rate } = from.machine.clocks;
    from.leftAloneUntil[what] = this.world.now + (0.99 * Math.min(retryAfter, from.longestObedience)) / rate;
  }

  /** One way from or to a node. */
  delay(node: number): number {
    return this.plan.latency + this.luck.skewed(0, this.plan.jitter) + this.link(node).slow;
  }

  /** `answer` is called at most once, on the process, if it still lives. No answer may ever come. */
  request(from: Process, what: string, serve: () => Reply, answer: (answer: Answer) => void): void {
    const { world, plan, luck } = this;
    const { node } = from;
    this.sent[node] = (this.sent[node] ?? 0) + 1;
    if (what === 'read') this.heed(from, 'read');
    world.mark(Mark.Send, node, 0, what);
    const cut = luck.chance(plan.cut);
    const cutAfter = luck.chance(0.5);
    const fate = luck.next();
    let delay = this.delay(node);
    const reply = (to: Answer): void => this.answer(from, to, answer);
    if (cut && !cutAfter) {
      world.count('connection cut before');
      world.after(delay, () => reply('cut'));
      return;
    }
    if (fate < plan.lostRequest) return this.lose(node, 'request lost');
    if (fate < plan.lostRequest + plan.late) {
      delay += luck.skewed(500, 40_000);
      world.count('request late');
      world.mark(Mark.Late, node, delay);
    }
    const arrive = (then: (reply: Answer) => void): void => {
      if (!this.link(node).up) return this.lose(node, 'request lost in partition');
      this.serve(node, what, serve, then);
    };
    const { healed } = this;
    world.after(delay, () => {
      // Healing ends with no old request still under way: liveness is only promised from then on.
      if (healed !== this.healed) return;
      arrive(cut ? () => this.cutAfter(reply) : reply);
    });
    if (luck.chance(plan.duplicate)) {
      world.count('request duplicated');
      world.after(delay + luck.skewed(0, 20_000), () => {
        world.mark(Mark.Duplicate, node, 0, what);
        if (healed === this.healed) arrive(() => undefined);
      });
    }
  }

  /** The moment at which the service takes the request up, after stalls; errors of the service itself. */
  private serve(node: number, what: string, serve: () => Reply, reply: (answer: Answer) => void): void {
    const { world, plan, luck } = this;
    if (luck.chance(plan.stall)) {
      this.stalledUntil = Math.max(this.stalledUntil, world.now + luck.between(3000, 8000));
      world.count('server stall');
      world.mark(Mark.Stall, -1, this.stalledUntil - world.now);
    }
    if (this.stalledUntil > world.now) {
      world.after(this.stalledUntil - world.now + luck.next(), () => this.serve(node, what, serve, reply));
      return;
    }
    if (this.outage === 'hang') return this.lose(node, 'outage: no answer');
    if (this.outage === 'refuse') return this.fail(reply, 'outage: refused', { status: 503 });
    if (this.outage === 'error') {
      // "etcdserver: request timed out": nobody knows whether it went through.
      if (luck.chance(0.3)) serve();
      return this.fail(reply, 'outage: error', { status: 500 });
    }
    const link = this.link(node);
    if (this.errs(link)) return this.fail(reply, 'one server of several errs', { status: this.servers!.status });
    if (link.unauthorized === 'all') return this.fail(reply, 'credentials refused', { status: 401 });
    if (link.forbidden) return this.fail(reply, 'forbidden', { status: 403 });
    const reads = what === 'read' || what === 'probe';
    if (reads ? this.leaveAlone.read : this.leaveAlone.write)
      return this.fail(reply, 'asked to be left alone', { status: 429, retryAfter: LONG_PATIENCE });
    if (!reads && this.writeFault !== null) return this.failWrite(this.writeFault.kind, reply);
    const fate = luck.next();
    if (fate < plan.throttled)
      return this.fail(reply, 'throttled', { status: 429, retryAfter: 1000 * (1 + luck.below(3)) });
    if (fate < plan.throttled + plan.failedBefore) return this.fail(reply, 'failed before', { status: 500 });
    const result = serve();
    if (fate < plan.throttled + plan.failedBefore + plan.failedAfter)
      return this.fail(reply, 'failed after', { status: 500 });

    if (what === 'read' && luck.chance(plan.staleRead)) {
      const { history } = this.service;
      const stored = history[Math.max(0, history.length - 1 - luck.below(4))]!;
      if (stored !== this.service.current) world.count('stale read');
      return reply(stored.object ? { status: 200, stored } : { status: 404, stored });
    }
    reply(result);
  }

  private errs({ server }: Link): boolean {
    return this.servers !== null && server === 0;
  }

  private failWrite(kind: WriteFault, reply: (answer: Answer) => void): void {
    this.fail(reply, `write refused: ${kind}`, { status: kind === 'conflict' ? 409 : kind });
  }

  private answer(from: Process, reply: Answer, answer: (answer: Answer) => void): void {
    const { node } = from;
    if (reply !== 'cut' && this.luck.chance(this.plan.lostResponse)) return this.lose(node, 'response lost');
    this.world.after(reply === 'cut' ? 0 : this.delay(node), () => {
      if (reply !== 'cut' && !this.link(node).down) return this.lose(node, 'response lost in partition');
      from.deliver(() => {
        this.world.mark(Mark.Answer, node, reply === 'cut' ? 1 : reply.status);
        answer(reply);
      });
    });
  }

  /** Every chance to zero and every way open; requests still on their way are gone. */
  heal(): void {
    this.healed++;
    this.outage = this.writeFault = this.servers = null;
    this.briefWatches = false;
    this.service.marks = this.service.usualMarks;
    this.service.ledgers = 'kept';
    Object.assign(this.leaveAlone, { read: false, write: false, watch: false });
    this.stalledUntil = 0;
    this.links.length = 0;
    const { latency, jitter } = this.plan;
    for (const key of Object.keys(this.plan) as (keyof NetworkPlan)[]) this.plan[key] = 0;
    Object.assign(this.plan, { latency, jitter });
  }

  private cutAfter(reply: (answer: Answer) => void): void {
    this.world.count('connection cut after');
    reply('cut');
  }

  private fail(reply: (answer: Answer) => void, kind: Fault, answer: Reply): void {
    this.world.count(kind);
    reply(answer);
  }

  private lose(node: number, kind: Fault): void {
    this.world.count(kind);
    this.world.mark(Mark.Lost, node, 0, kind);
  }
}
