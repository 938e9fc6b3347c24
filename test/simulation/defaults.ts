import { playHistory } from './history.js';
import { availability, fleet, spending, struck, succession, troubled } from './measure.js';
import { mutate } from './mutants/mutate.js';
import { shipped } from './shipped.js';
import { at, head, row, seconds } from './table.js';
import type { Plan } from './world/plan.js';

/** What each default is chosen by. */
export async function defaults(): Promise<void> {
  head(
    'The same faults with other settings, two replicas',
    'renewDeadline / renewInterval / requestTimeout',
    'somebody leads',
    'losses a day',
  );
  const settings = [
    [10, 3, 2],
    [10, 2, 2],
    [12, 2, 2],
    [12, 3, 2],
    [12, 3, 4],
    [13, 3, 2],
  ] as const;
  for (const [deadline, interval, timeout] of settings) {
    const plan = troubled('ours', 2, 240);
    for (const node of plan.nodes)
      node.options = { renewDeadline: deadline * 1000, renewInterval: interval * 1000, requestTimeout: timeout * 1000 };
    const { led, lossesADay } = await availability(plan, shipped);
    row(`${deadline} / ${interval} / ${timeout} s`, `${(100 * led).toFixed(4)}%`, lossesADay.toFixed(2));
  }

  head(
    'A store that always takes so long to answer, two replicas, six hours',
    'answer after',
    'somebody leads',
    'losses',
  );
  for (const answer of [1000, 2000, 3000, 4000, 5000]) {
    const plan = fleet('ours', 2, 6 * 60, 1);
    Object.assign(plan.network, { latency: answer / 2, jitter: 0 });
    const { led, lossesADay } = await availability(plan, shipped);
    row(seconds(answer), `${(100 * led).toFixed(4)}%`, lossesADay.toFixed(0));
  }
}

/** How long the store may be away. */
export async function outages(): Promise<void> {
  head('Terms of ten that an outage costs, two replicas', 'it lasts', 'requests swallowed', 'requests refused');
  for (const lasts of [7000, 8000, 9000, 10_000, 11_000, 12_000]) {
    const lost = async (size: number): Promise<number> =>
      (await struck('outage', lasts, size, shipped)).filter((terms) => terms > 1).length;
    row(seconds(lasts), await lost(0), await lost(1));
  }
}

/** What the random wait before a takeover costs and saves. */
export async function windows(): Promise<void> {
  head(
    'Random wait before a takeover',
    'window',
    'a lone standby takes over in (p50)',
    'a hundred take over in (p50)',
    'requests of a hundred at a release',
  );
  for (const [narrowest, widest] of [
    [0, 0],
    [4, 250],
    [10, 10],
    [10, 250],
    [50, 50],
    [250, 250],
  ]) {
    const create = await mutate({
      bug: `window ${narrowest} to ${widest}`,
      patches: [
        { file: 'takeover-window.ts', find: 'const NARROWEST = 4;', replace: `const NARROWEST = ${narrowest};` },
        { file: 'takeover-window.ts', find: 'const WIDEST = 250;', replace: `const WIDEST = ${widest};` },
      ],
    });
    const lone = await succession('ours', 2, 'stop', 100, create);
    const hundred = await succession('ours', 101, 'stop', 10, create);
    row(`${narrowest} to ${widest} ms`, seconds(at(lone, 0.5)), seconds(at(hundred, 0.5)), await herd(create));
  }
}

async function herd(create: typeof shipped): Promise<number> {
  let requests = 0;
  const times = 5;
  for (let seed = 1; seed <= times; seed++) {
    await playHistory(fleet('ours', 101, 1, seed), create, {
      script: ({ world, network, contenders }) => {
        const total = (): number => network.sent.reduce((a, b) => a + (b ?? 0), 0);
        world.at(29_000, () => {
          requests -= total();
          contenders.find((c) => c.believes())!.stop();
        });
        world.at(31_000, () => void (requests += total()));
      },
    });
  }
  return Math.round(requests / times);
}

const withoutWatch = ({ client }: Plan): void => void (client.watch = 'absent');

/** How often a standby looks for itself: what that costs, and what it is worth. */
export async function polls(): Promise<void> {
  head(
    'No watch: pause between two reads, three replicas',
    'retry periods',
    'requests of a standby a minute',
    'takeover after a stop (p50)',
    '(max)',
  );
  for (const periods of [0.25, 0.5, 1, 2, 4]) {
    const create = await mutate({
      bug: `poll ${periods}`,
      patches: [
        {
          file: 'rhythm.ts',
          find: 'return this.timings.retryPeriod * (1 + 1.2 * this.chance.random());',
          replace: `return ${periods} * this.timings.retryPeriod * (1 + 1.2 * this.chance.random());`,
        },
      ],
    });
    const { standby } = await spending('ours', 3, false, create, withoutWatch);
    const took = await succession('ours', 3, 'stop', 100, create, withoutWatch);
    row(`${periods} to ${2.2 * periods}`, standby.toFixed(1), seconds(at(took, 0.5)), seconds(took.at(-1)!));
  }

  head(
    'A watch that goes silent: patience with it, three replicas',
    'times the leader’s rhythm',
    'reads of a standby a day, 1% of requests lost',
    'takeover after a stop that no watch tells of (p50)',
    '(max)',
  );
  for (const times of [1, 1.5, 2, 3, 4]) {
    const create = await mutate({
      bug: `silence ${times}`,
      patches: [
        { file: 'rhythm.ts', find: 'return 2 * this.interval *', replace: `return ${times} * this.interval *` },
      ],
    });
    const took = await succession('ours', 3, 'silent-stop', 100, create);
    row(`${times} to ${(1.2 * times).toFixed(1)}`, await looks(create), seconds(at(took, 0.5)), seconds(took.at(-1)!));
  }
}

/** Requests of one standby in a day of lost renewals. */
async function looks(create: typeof shipped): Promise<number> {
  const plan = fleet('ours', 3, 24 * 60, 1);
  plan.nodes[0]!.startAt = 0;
  plan.network.lostRequest = 0.01;
  const { sent } = await playHistory(plan, create);
  return sent.toSorted((a, b) => a - b)[1]!;
}
