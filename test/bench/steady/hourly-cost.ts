import { setTimeout as sleep } from 'node:timers/promises';
import { liveHeap, type Meter, residentMemory } from './meter.js';

const HOUR = 3_600_000;

/** What a replica costs, an hour where it is a rate. */
export interface HourlyCost {
  readonly requests: number;
  readonly kib: number;
  /** Seconds. */
  readonly cpu: number;
  /** MiB. */
  readonly rss: number;
  /** MiB; `null` where it is not a Node process. */
  readonly heap: number | null;
}

/** Of every replica in one and the same window of so many milliseconds. */
export async function costs(meters: readonly Meter[], window: number): Promise<Map<Meter, HourlyCost>> {
  const before = meters.map((meter) => meter.read());
  await sleep(window);
  const after = meters.map((meter) => meter.read());
  const costs = new Map<Meter, HourlyCost>();
  for (const [i, meter] of meters.entries()) {
    const [from, to] = [before[i]!, after[i]!];
    const hourly = HOUR / (to.at - from.at);
    costs.set(meter, {
      requests: meter.requests(from.at, to.at) * hourly,
      kib: ((to.bytes - from.bytes) / 1024) * hourly,
      cpu: (to.cpu - from.cpu) * hourly,
      rss: residentMemory(meter.replica.pid),
      heap: await liveHeap(meter.replica),
    });
  }
  return costs;
}
