import { LeaseStoreError } from '../../../lib/election/errors.js';
import type { Snapshot } from '../../../lib/election/lease-store.js';
import type { Stored } from './lease-service.js';
import type { Feed, Network } from './network.js';
import type { Process } from './process.js';
import { Mark } from './timeline.js';

/** Milliseconds of extra lag; chances per event. */
export interface WatchPlan {
  lag: number;
  /** The stream goes silent for good, without an end. */
  silent: number;
  /** The stream ends (true) or throws. */
  ends: number;
  /** 410: the server forgot where we were. */
  gone: number;
  /** An old state is told again, from a stale server behind the stream. */
  replay: number;
  /** An event is left out. */
  conflated: number;
}

const BROKE = new LeaseStoreError('STORE_FAILED', 'watch broke');
const REFUSED = new LeaseStoreError('STORE_FORBIDDEN', 'watch: 403');

/** What the store tells, or what somebody else says in its place. */
type News = Stored | { readonly snapshot: Snapshot };

/** One watch as the network delivers it: late, conflated, silent, cut off, or telling old news. */
export class WatchFeed implements Feed, AsyncIterable<Snapshot>, AsyncIterator<Snapshot> {
  private readonly queue: News[] = [];
  private failure = BROKE;
  private told = 0;
  private waiting: { resolve: (r: IteratorResult<Snapshot>) => void; reject: (e: unknown) => void } | null = null;
  private over: 'open' | 'done' | 'failed' = 'open';
  private silent = false;
  private subscribed = false;
  private lastDue = 0;
  private readonly listener = (stored: Stored): void => this.happen(stored);
  private readonly breakOff = (): void => this.deliver(() => this.close('failed'));
  private readonly luck;
  private readonly openedAt: number;

  constructor(
    private readonly process: Process,
    private readonly network: Network,
    private readonly plan: WatchPlan,
    private readonly kind: 'ok' | 'refused' | 'brief',
    signal: AbortSignal,
    private readonly see: (stored: Stored) => Snapshot,
  ) {
    this.luck = network.world.random.stream(`watch ${process.node} ${network.world.events}`);
    this.openedAt = network.world.now;
    network.world.mark(Mark.Watch, process.node);
    signal.addEventListener('abort', () => this.close('done'), { once: true });
    if (signal.aborted) {
      this.close('done');
      return;
    }
    network.watches.add(this.breakOff);
    network.feeds.add(this);
    this.opening();
  }

  get node(): number {
    return this.process.node;
  }

  [Symbol.asyncIterator](): AsyncIterator<Snapshot> {
    return this;
  }

  next(): Promise<IteratorResult<Snapshot>> {
    const news = this.queue.shift();
    if (news) return Promise.resolve({ done: false, value: this.open(news) });
    if (this.over === 'done') return Promise.resolve({ done: true, value: undefined });
    if (this.over === 'failed') {
      this.over = 'done';
      return Promise.reject(this.failure);
    }
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Snapshot>> {
    this.close('done');
    return Promise.resolve({ done: true, value: undefined });
  }

  private opening(): void {
    const { network, process } = this;
    const link = network.link(process.node);
    network.sent[process.node] = (network.sent[process.node] ?? 0) + 1;
    network.opened[process.node] = (network.opened[process.node] ?? 0) + 1;
    network.heed(process, 'watch');
    network.world.after(network.delay(process.node), () => {
      if (this.over !== 'open') return;
      // A request into a partition or a dead service hangs: a stream that never says anything.
      if (!link.up || network.outage === 'hang') return network.world.count('watch hung');
      const refusal =
        this.kind === 'refused' ? REFUSED : network.outage === null ? network.refusalOfWatch(process) : BROKE;
      if (refusal !== null) {
        network.world.count('watch refused');
        network.world.after(network.delay(process.node), () => this.deliver(() => this.refused(refusal)));
        return;
      }
      this.subscribed = true;
      network.service.watchers.add(this.listener);
      const { shown, current } = network.service;
      if (shown !== current) network.world.count('watch shows a lost history');
      this.tell(shown);
    });
  }

  private refused(refusal: LeaseStoreError): void {
    const { network, process } = this;
    if (refusal.retryAfter !== undefined) network.toldToLeaveAlone(process, 'watch', refusal.retryAfter);
    // The server that errs is left, as after any other request.
    if (refusal.code === 'STORE_FAILED') network.reconnect(process.node);
    this.failure = refusal;
    this.close('failed');
  }

  /** Somebody else speaks on the channel: as late as the rest, and behind what is under way. */
  forge(snapshot: Snapshot): void {
    if (this.over === 'open' && this.subscribed) this.tell({ snapshot });
  }

  private happen(stored: Stored): void {
    const { world } = this.network;
    const fate = this.luck.next();
    const { silent, ends, gone, replay, conflated } = this.plan;
    if (this.silent || !this.process.alive || this.openedAt < this.network.silencedAt) return;
    if (fate < silent) {
      this.silent = true;
      world.mark(Mark.WatchFault, this.process.node, 0, 'goes silent');
      return world.count('watch silent');
    }
    if (fate < silent + ends + gone) {
      const failed = fate >= silent + ends;
      world.count(failed ? 'watch gone (410)' : 'watch ended');
      world.after(this.network.delay(this.process.node), () =>
        this.deliver(() => this.close(failed ? 'failed' : 'done')),
      );
      return;
    }
    if (fate < silent + ends + gone + conflated) return world.count('watch event left out');
    this.tell(stored);
    if (fate > 1 - replay) {
      const { history } = this.network.service;
      const old = history[Math.max(0, history.length - 2 - this.luck.below(8))]!;
      world.after(this.luck.skewed(1, 9000), () => {
        world.count('watch replayed');
        this.tell(old);
      });
    }
  }

  private tell(news: News): void {
    const { world } = this.network;
    // One TCP stream: events do not overtake each other.
    const lag = this.network.delay(this.process.node) + this.luck.skewed(0, this.plan.lag);
    const due = (this.lastDue = Math.max(this.lastDue, world.now + lag));
    world.at(due, () => {
      // While a partition lasts the segment is lost; it is retransmitted later, or the stream is dead by then.
      if (!this.network.link(this.process.node).down) {
        this.silent = true;
        return world.count('watch cut by partition');
      }
      if (!this.silent) this.deliver(() => this.push(news));
    });
  }

  private deliver(run: () => void): void {
    if (this.over === 'open') this.process.deliver(() => this.over === 'open' && run());
  }

  private push(news: News): void {
    const { world } = this.network;
    world.mark(Mark.WatchEvent, this.process.node, 'snapshot' in news ? -1 : news.revision);
    const { waiting } = this;
    this.waiting = null;
    if (waiting) waiting.resolve({ done: false, value: this.open(news) });
    else this.queue.push(news);
    if (this.told++ > 0 || (this.kind !== 'brief' && !this.network.briefWatches)) return;
    world.count('watch of one event');
    world.after(0, () => this.deliver(() => this.close('done')));
  }

  private open(news: News): Snapshot {
    return 'snapshot' in news ? news.snapshot : this.see(news);
  }

  private close(how: 'done' | 'failed'): void {
    if (this.over !== 'open') return;
    this.over = how;
    this.network.watches.delete(this.breakOff);
    this.network.feeds.delete(this);
    if (this.subscribed) this.network.service.watchers.delete(this.listener);
    const { waiting } = this;
    this.waiting = null;
    if (how === 'done') {
      waiting?.resolve({ done: true, value: undefined });
    } else if (waiting) {
      this.over = 'done';
      waiting.reject(this.failure);
    }
  }
}
