import { playHistory } from './history.js';
import { availability, fleet, spending, succession, troubled, type Kind } from './measure.js';
import { mutate } from './mutants/mutate.js';
import { shipped } from './shipped.js';

const KINDS: readonly Kind[] = ['ours', 'client-go'];
const SIZES = [2, 3, 10, 100] as const;

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
const seconds = (ms: number): string => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);
const row = (...cells: (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`);
function head(title: string, ...cells: string[]): void {
  console.log(`\n### ${title}\n`);
  row(...cells);
  row(...cells.map(() => '---'));
}

/** Prints the figures that the defaults rest on and the docs quote. */
export async function tables(): Promise<void> {
  head('From the leader’s end to its successor’s term', 'end', 'replicas', 'whose', 'p50', 'p95', 'max', 'n');
  for (const end of ['stop', 'crash'] as const) {
    for (const replicas of SIZES) {
      for (const kind of KINDS) {
        const took = await succession(kind, replicas, end, replicas === 100 ? 20 : 200, shipped);
        row(end, replicas, kind, seconds(at(took, 0.5)), seconds(at(took, 0.95)), seconds(took.at(-1)!), took.length);
      }
    }
  }

  head('Requests a minute', 'state', 'replicas', 'whose', 'leader', 'a standby', 'all');
  for (const outage of [false, true]) {
    for (const replicas of [...SIZES, 1000]) {
      for (const kind of KINDS) {
        const rates = await spending(kind, replicas, outage, shipped);
        row(
          outage ? 'refused' : 'calm',
          replicas,
          kind,
          rates.leader.toFixed(1),
          rates.standby.toFixed(1),
          rates.all.toFixed(0),
        );
      }
    }
  }

  head(
    '1% of requests lost, 0.1% stall the service for 3 to 8 s',
    'replicas',
    'whose',
    'somebody leads',
    'losses a day',
    'hours',
  );
  for (const replicas of SIZES) {
    for (const kind of KINDS) {
      const hours = replicas === 100 ? 6 : 240;
      const { led, lossesADay } = await availability(troubled(kind, replicas, hours), shipped);
      row(replicas, kind, `${(100 * led).toFixed(4)}%`, lossesADay.toFixed(2), hours);
    }
  }

  await defaults();
  await windows();
}

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
