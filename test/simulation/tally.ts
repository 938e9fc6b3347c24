import type { Outcome } from './history.js';
import type { Profile } from './profiles.js';
import { tell } from './report.js';
import { EXCUSES } from './judge/excuses.js';
import { FAULTS, type Fault } from './world/faults.js';

/** What many histories come to. Plain data: it crosses threads and is kept in a file. */
export interface Tally {
  histories: number;
  events: number;
  terms: number;
  requests: number;
  cpuSeconds: number;
  /** Of all fingerprints, in the order of the seeds of a batch: two machines can compare a million histories by one number. */
  trace: number;
  breaches: string[];
  faults: Record<string, number>;
  handovers: number[];
  takeovers: number[];
  /** In how many histories each was made. */
  excuses: Record<string, number>;
  unfencedOverlaps: number;
  fencedRefusals: number;
}

/** Enough for percentiles; a million of them would not fit the file. */
const MOST_SAMPLES = 20_000;

export function emptyTally(): Tally {
  return {
    histories: 0,
    events: 0,
    terms: 0,
    requests: 0,
    cpuSeconds: 0,
    trace: 0,
    breaches: [],
    faults: {},
    handovers: [],
    takeovers: [],
    excuses: {},
    unfencedOverlaps: 0,
    fencedRefusals: 0,
  };
}

export function add(tally: Tally, outcome: Outcome, profile: Profile): void {
  tally.histories++;
  tally.events += outcome.events;
  tally.terms += outcome.terms;
  tally.requests += outcome.requests;
  // A sum, so that the order in which batches finish does not matter.
  tally.trace = (tally.trace + Math.imul(outcome.trace, outcome.seed | 1)) >>> 0;
  if (outcome.breach) tally.breaches.push(tell(outcome, profile));
  for (const [kind, times] of outcome.counts) tally.faults[kind] = (tally.faults[kind] ?? 0) + times;
  if (outcome.handover !== null) tally.handovers.push(Math.round(outcome.handover));
  if (outcome.takeover !== null) tally.takeovers.push(Math.round(outcome.takeover));
  for (const excuse of outcome.excuses) tally.excuses[excuse] = (tally.excuses[excuse] ?? 0) + 1;
  tally.unfencedOverlaps += outcome.unfencedOverlaps;
  tally.fencedRefusals += outcome.fencedRefusals;
}

export function merge(into: Tally, more: Tally): void {
  for (const key of Object.keys(into) as (keyof Tally)[]) {
    const [a, b] = [into[key], more[key]];
    if (typeof a === 'number') (into[key] as number) = a + (b as number);
    else if (Array.isArray(a))
      (a as unknown[]).push(...(b as unknown[]).slice(0, Math.max(0, MOST_SAMPLES - a.length)));
    else for (const [kind, times] of Object.entries(b as Record<string, number>)) a[kind] = (a[kind] ?? 0) + times;
  }
  into.trace >>>= 0;
}

/** Kinds of faults that have not struck. */
export function idleFaults({ faults }: Tally): Fault[] {
  return FAULTS.filter((kind) => !faults[kind]);
}

export function printTally(tally: Tally, seconds: number): string {
  const { histories, events, terms, cpuSeconds, breaches, faults, excuses, trace } = tally;
  const rows = FAULTS.map((kind) => [kind, faults[kind] ?? 0] as const)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, times]) => `| ${kind} | ${times} |`);
  return [
    `${histories} histories, ${events} events, ${terms} terms, ${breaches.length} broken promises`,
    `${seconds.toFixed(0)} s, ${cpuSeconds.toFixed(0)} CPU-seconds, ${((histories / cpuSeconds) * 60).toFixed(0)} histories per CPU-minute on Node ${process.versions.node}, trace ${trace.toString(16)}`,
    '',
    '| fault | times |',
    '|---|---|',
    ...rows,
    '',
    '| excused | in histories |',
    '|---|---|',
    ...EXCUSES.map((excuse) => `| ${excuse} | ${excuses[excuse] ?? 0} |`),
  ].join('\n');
}
