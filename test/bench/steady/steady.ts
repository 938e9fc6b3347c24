import { setTimeout as sleep } from 'node:timers/promises';
import { clientGo, ours } from '../contenders.js';
import { inShort, printTable } from '../figures.js';
import type { Lab } from '../lab.js';
import { codedependant } from '../peers/codedependant.js';
import { installed, PEERS } from '../peers/install.js';
import { bareNest } from './bare-nest.js';
import { costs, type HourlyCost } from './hourly-cost.js';
import { MeteredElection } from './metered-election.js';

/** What an election costs while nothing happens, by replica and hour. */
export async function steady(lab: Lab): Promise<void> {
  const contenders = [ours, clientGo, ...installed(PEERS).map(({ folder }) => codedependant(folder))];
  const { rss, heap } = await bareNest();
  console.log(
    `An application of Nest without any election: RSS ${rss.toFixed(1)} MiB, live heap ${heap.toFixed(1)} MiB.`,
  );
  for (const standbys of lab.amount([1, 5, 20], [1, 2])) {
    const elections: MeteredElection[] = [];
    try {
      for (const contender of contenders) elections.push(await MeteredElection.of(lab, contender, standbys));
      // Nothing of the beginning is left: no retry, no first reopening of a watch.
      await sleep(lab.amount(30_000, 5_000));
      // All in the same minute: what disturbs the machine disturbs all.
      const all = await costs(
        elections.flatMap(({ meters }) => meters),
        lab.amount(60_000, 15_000),
      );
      console.log(`\n${standbys} standby${standbys > 1 ? 's' : ''}:`);
      printTable([
        ['', 'n', 'requests/h', 'KiB/h', 'CPU s/h', 'RSS MiB', 'live heap MiB'],
        ...elections.flatMap(({ contender, meters }) => {
          const [leader, ...others] = meters.map((meter) => all.get(meter)!);
          return [
            row(`${contender.name}, leader`, [leader!]),
            row(`${contender.name}, a standby`, others),
            row(`${contender.name}, all together`, [sum([leader!, ...others])], 1 + others.length),
          ];
        }),
      ]);
    } finally {
      await Promise.all(elections.map((election) => election.end()));
    }
  }
}

const COLUMNS = ['requests', 'kib', 'cpu', 'rss', 'heap'] as const;

function row(what: string, costs: readonly HourlyCost[], n = costs.length): string[] {
  const column = (of: keyof HourlyCost) => {
    const samples = costs.map((cost) => cost[of]).filter((value) => value !== null);
    return samples.length > 0 ? inShort(samples) : '-';
  };
  return [what, String(n), ...COLUMNS.map(column)];
}

function sum(costs: readonly HourlyCost[]): HourlyCost {
  const total = (of: keyof HourlyCost) => costs.reduce((sum, cost) => sum + (cost[of] ?? 0), 0);
  const heap = costs.some((cost) => cost.heap === null) ? null : total('heap');
  return { requests: total('requests'), kib: total('kib'), cpu: total('cpu'), rss: total('rss'), heap };
}
