import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import type { FleetKind } from './scenarios/fleet-settings.js';
import type { Figures } from './scenarios/history.js';
import { PodCluster } from './scenarios/pod-cluster.js';
import { play, type Scenario, scenarios } from './scenarios/scenarios.js';

/**
 * `npm run pods -- [--scenario SIGKILL] [--replicas 2] [--fleet ours] [--runs 10] [--keep-leader] [--table]`: plays scenarios on a real
 * node, again and again. Without arguments all that the docs' figures need. What was measured is kept in `.cache/pods.json`: run again,
 * it goes on. `--table` only prints it; `--keep-leader` plays with the leader's Pod marked as the last to delete.
 */
const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    replicas: { type: 'string' },
    fleet: { type: 'string' },
    runs: { type: 'string' },
    'keep-leader': { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
  },
});
const KEPT = '.cache/pods.json';

interface Series {
  scenario: Scenario;
  kind: FleetKind;
  replicas: number;
  runs: number;
  keepsLeader: boolean;
}

/** By the key of a series. */
type Kept = Record<string, Figures[]>;

const kept: Kept = existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Kept) : {};
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    console.log('This run is finished first, and then the node is stopped.');
    stop.abort();
  });
}

if (!values.table) await measure(plan().filter((series) => of(series).length < series.runs));
console.log(table());

/** All that the figures need, or what was asked for. */
function plan(): Series[] {
  const { scenario: wanted, fleet, 'keep-leader': keepsLeader } = values;
  const chosen = scenarios.filter(({ name }) => wanted === undefined || name.startsWith(wanted));
  if (chosen.length === 0) throw new Error(`Known: ${scenarios.map(({ name }) => name).join('; ')}`);
  const sizes = values.replicas ? [Number(values.replicas)] : [2, 5];
  const all = chosen.flatMap((scenario) =>
    scenario.kinds
      .filter((kind) => fleet === undefined || kind === fleet)
      .flatMap((kind) =>
        sizes.map((replicas) => ({
          scenario,
          kind,
          replicas,
          keepsLeader,
          runs: Number(values.runs ?? runsOf(scenario)),
        })),
      ),
  );
  // Those that share a Deployment one after the other.
  const fleetOf = ({ scenario, kind, replicas }: Series) => JSON.stringify([kind, replicas, scenario.settings ?? {}]);
  const groups = new Map<string, Series[]>();
  for (const series of all) groups.set(fleetOf(series), [...(groups.get(fleetOf(series)) ?? []), series]);
  return [...groups.values()].flat();
}

function runsOf({ name, isCrash, outcome, isLong }: Scenario): number {
  if (isLong) return 1;
  if (isCrash && outcome === 'soon') return 10;
  return /rollout restart|new image/.test(name) ? 6 : 3;
}

async function measure(left: Series[]): Promise<void> {
  if (left.length === 0) return;
  const cluster = await PodCluster.start();
  try {
    for (const series of left) await measureOne(cluster, series);
  } finally {
    await cluster.stop();
  }
}

async function measureOne(cluster: PodCluster, series: Series): Promise<void> {
  const { scenario, kind, replicas, keepsLeader, runs } = series;
  while (of(series).length < runs && !stop.signal.aborted) {
    try {
      const figures = await play(scenario, cluster, { kind, replicas, ...(keepsLeader && { keepsLeader }) });
      of(series).push(figures);
      mkdirSync(dirname(KEPT), { recursive: true });
      writeFileSync(KEPT, JSON.stringify(kept));
      console.log(`${keyOf(series)}: ${JSON.stringify(figures)}`);
    } catch (error) {
      // The others can still be measured; this one when it is run again.
      console.error(`${keyOf(series)}: ${(error as Error).stack}`);
      process.exitCode = 1;
      await cluster.endFleet();
      return;
    }
  }
}

function keyOf({ scenario, kind, replicas, keepsLeader }: Series): string {
  return [scenario.name, keepsLeader ? `${kind}, leader kept` : kind, replicas].join(' | ');
}

function of(series: Series): Figures[] {
  return (kept[keyOf(series)] ??= []);
}

function table(): string {
  const rows = Object.entries(kept)
    .filter(([, all]) => all.length > 0)
    .map(([key, all]) => {
      const takeovers = all.flatMap(({ takeover }) => takeover ?? []).toSorted((a, b) => a - b);
      const sum = (what: (it: Figures) => number | undefined) => all.reduce((total, it) => total + (what(it) ?? 0), 0);
      const median = takeovers[Math.floor(takeovers.length / 2)];
      return [
        ...key.split(' | '),
        all.length,
        shown(median),
        shown(takeovers.at(-1)),
        sum(({ changes }) => changes),
        shown(Math.max(...all.map(({ longestGap }) => longestGap))),
        shown(sum(({ believers }) => believers)),
        all.some(({ oldTokens }) => oldTokens !== undefined) ? sum(({ oldTokens }) => oldTokens) : '-',
      ];
    });
  const head = [
    'scenario',
    'fleet',
    'replicas',
    'runs',
    'takeover p50, ms',
    'max, ms',
    'changes of holder',
    'longest gap, ms',
    'two believers, ms',
    'older tokens',
  ];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function shown(milliseconds?: number): string {
  return milliseconds === undefined ? '-' : milliseconds.toFixed(0);
}
