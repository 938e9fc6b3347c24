import type { WriteOutcome } from '../../../lib/election/lease-store.js';
import { ordinal, type Stored } from '../world/lease-service.js';
import type { Network } from '../world/network.js';
import type { Plan } from '../world/plan.js';
import type { Process } from '../world/process.js';
import type { Replica } from '../world/replica.js';
import type { World } from '../world/world.js';
import type { Judge } from './judge.js';

/** Retry periods, jittered as client-go's are, after which nobody may take it for a hiccup. */
const FEW = 3 * 2.2;
const SAYS_THAT_IT_WRITES = /store answers again|written again/;

/** H1: while every write is refused, so that nobody can lead, a replica that tries says so and does not say the opposite. */
export class Health {
  private readonly failing = new Map<Process, { since: number; times: number }>();
  private readonly patience: number;
  private network: Network | null = null;

  constructor(
    private readonly world: World,
    private readonly plan: Plan,
    private readonly judge: Judge,
  ) {
    const slowest = Math.min(...plan.nodes.map((n) => n.clocks.rate));
    const longest = Math.max(15_000, ...plan.nodes.map((n) => n.options.leaseDuration ?? 0));
    this.patience = (FEW * longest * (2 / 15)) / slowest;
  }

  observe(network: Network): void {
    this.network = network;
  }

  /** Somebody has written, so writes work. */
  somebodyWrote(): void {
    this.failing.clear();
  }

  /** It stands again as a newcomer, to whom the lease as it is tells that it was written. */
  forgets(process: Process): void {
    this.failing.delete(process);
  }

  /** Somebody else's write that it had not seen: the store takes writes, and whether it takes its own will show at the next. */
  learned(process: Process, stored: Stored, by: 'answer' | 'watch'): void {
    const { object } = stored;
    const newest = ordinal(stored);
    // It need not believe a watch, and then learns by a read what the watch has shown before.
    const known = process[by === 'watch' ? 'newest' : 'newestAnswer'];
    const isNew = newest > known;
    // A store that went back explains every conflict before it.
    const wentBack = Math.floor(newest / 2 ** 40) > Math.floor(known / 2 ** 40);
    process.newest = Math.max(process.newest, newest);
    if (by === 'answer') process.newestAnswer = Math.max(process.newestAnswer, newest);
    if (!isNew) return;
    if (wentBack || object?.holder !== process.identity) this.failing.delete(process);
  }

  writes(process: Process, outcome: WriteOutcome['kind'] | null): void {
    if (this.network?.writeFault == null) return;
    const failing = this.failing.get(process);
    if (outcome === null) {
      if (failing !== undefined && this.isOverdue(failing)) this.check(process, failing.times);
      return;
    }
    if (outcome === 'applied') return;
    if (failing === undefined) this.failing.set(process, { since: this.world.now, times: 1 });
    else failing.times++;
  }

  logged(process: Process, message: string): void {
    if ((this.failing.get(process)?.times ?? 0) < 2 || !SAYS_THAT_IT_WRITES.test(message)) return;
    if (this.network?.writeFault == null || this.judge.contenders.some((c) => c.holds())) return;
    this.judge.breach('H1', `${process.identity} logs "${message}" while no write is taken and nobody can lead`);
  }

  /** By its next attempt it has been told of the last one, has read in vain why, and still knows that it fails. */
  private check(process: Process, times: number): void {
    // Where reads are stale, an old write of somebody else shows again and again as a new one, and passes for a store that takes writes.
    if (this.plan.network.staleRead > 0) return;
    const replica = this.judge.contenders.find((c) => c.ours && c.process === process) as Replica | undefined;
    const status = replica?.elector?.status?.();
    if (status !== undefined && status.lastError === null)
      this.judge.breach('H1', `${process.identity} has no lastError after ${times} writes that failed`);
  }

  private isOverdue({ since, times }: { since: number; times: number }): boolean {
    return times >= 2 && this.world.now - since > this.patience;
  }
}
