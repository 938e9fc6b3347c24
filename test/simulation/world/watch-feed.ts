import { LeaseStoreError } from '../../../lib/election/errors.js';
import type { Snapshot } from '../../../lib/election/lease-store.js';
import type { Stored } from './lease-service.js';
import type { Network } from './network.js';
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

/** One watch as the network delivers it: late, conflated, silent, cut off, or telling old news. */
export class WatchFeed implements AsyncIterable<Snapshot>, AsyncIterator<Snapshot> {
  private readonly queue: Stored[] = [];
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
    refused: boolean,
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
    this.opening(refused);
  }

  [Symbol.asyncIterator](): AsyncIterator<Snapshot> {
    return this;
  }

  next(): Promise<IteratorResult<Snapshot>> {
    const stored = this.queue.shift();
    if (stored) return Promise.resolve({ done: false, value: this.see(stored) });
    if (this.over === 'done') return Promise.resolve({ done: true, value: undefined });
    if (this.over === 'failed') {
      this.over = 'done';
      return Promise.reject(BROKE);
    }
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Snapshot>> {
    this.close('done');
    return Promise.resolve({ done: true, value: undefined });
  }

  private opening(refused: boolean): void {
    const { network, process } = this;
    const link = network.link(process.node);
    network.sent[process.node] = (network.sent[process.node] ?? 0) + 1;
    network.world.after(network.delay(process.node), () => {
      if (this.over !== 'open') return;
      // A request into a partition or a dead service hangs: a stream that never says anything.
      if (!link.up || network.outage === 'hang') return network.world.count('watch hung');
      if (refused || link.forbidden || network.outage) {
        network.world.count('watch refused');
        network.world.after(network.delay(process.node), () => this.deliver(() => this.close('failed')));
        return;
      }
      this.subscribed = true;
      network.service.watchers.add(this.listener);
      this.tell(network.service.current);
    });
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

  private tell(stored: Stored): void {
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
      if (!this.silent) this.deliver(() => this.push(stored));
    });
  }

  private deliver(run: () => void): void {
    if (this.over === 'open') this.process.deliver(() => this.over === 'open' && run());
  }

  private push(stored: Stored): void {
    this.network.world.mark(Mark.WatchEvent, this.process.node, stored.revision);
    const { waiting } = this;
    if (!waiting) return void this.queue.push(stored);
    this.waiting = null;
    waiting.resolve({ done: false, value: this.see(stored) });
  }

  private close(how: 'done' | 'failed'): void {
    if (this.over !== 'open') return;
    this.over = how;
    this.network.watches.delete(this.breakOff);
    if (this.subscribed) this.network.service.watchers.delete(this.listener);
    const { waiting } = this;
    this.waiting = null;
    if (how === 'done') waiting?.resolve({ done: true, value: undefined });
    else if (waiting) {
      this.over = 'done';
      waiting.reject(BROKE);
    }
  }
}
