import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../../e2e/fleet/replica-lines.js';
import { Cluster } from '../../postgres/cluster.js';
import { type Figure, printFigures, printMachine } from '../figures.js';
import { contender, statements, succession, type Contender } from './contests.js';
import { crowdHandovers } from './crowd.js';

/** `npm run bench:postgres [-- repetitions [minutes]]`: handovers between real processes on a real Postgres, beside what people build. */
const REPETITIONS = Number(process.argv[2] ?? 20);
const MINUTES = Number(process.argv[3] ?? 1);
const DURATION = 3_000;

const cluster = await Cluster.create({ log_statement: 'all', log_line_prefix: '%a|', max_connections: '400' });
const ours = contender(cluster, 'test/postgres/replica.mjs', { ASK_EVERY: '1000', DURATION: '15000' });
const quick: Contender = (lease, env) => ours(lease, { DURATION: String(DURATION), ...env });
const waiting = contender(cluster, 'test/bench/postgres/advisory-lock.mjs');
const polling = contender(cluster, 'test/bench/postgres/advisory-lock.mjs', { POLL: '1000' });

async function repeat(times: number, once: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < times; i++) samples.push(await once());
  return samples;
}

/** How long after the expiry of the last renewal the successor began. */
async function overshoot(): Promise<number> {
  let expiry = Number.NaN;
  const { admittedAt } = await succession(quick, 'SIGKILL', {
    onSignal: async (lease) => {
      const [row] = await cluster.query(
        'SELECT extract(epoch FROM clock_timestamp() - written_at)::float8 * 1000 AS age FROM leader_lease WHERE name = $1',
        [lease],
      );
      expiry = monotonic() - (row!.age as number) + DURATION;
    },
  });
  return admittedAt - expiry;
}

const handover = (start: Contender, signal: NodeJS.Signals) => async () =>
  (await succession(start, signal)).took ?? Number.NaN;

const figures: Figure[] = [];
try {
  printMachine();
  figures.push(
    {
      what: 'SIGTERM to first work of the successor',
      samples: await repeat(REPETITIONS, handover(ours, 'SIGTERM')),
      unit: 'ms',
      target: 50,
    },
    {
      what: 'SIGKILL: successor begins after expiry by',
      samples: await repeat(REPETITIONS, overshoot),
      unit: 'ms',
      target: 250,
    },
    {
      what: 'advisory lock, waiting: SIGTERM',
      samples: await repeat(REPETITIONS, handover(waiting, 'SIGTERM')),
      unit: 'ms',
    },
    {
      what: 'advisory lock, waiting: SIGKILL',
      samples: await repeat(REPETITIONS, handover(waiting, 'SIGKILL')),
      unit: 'ms',
    },
    {
      what: 'advisory lock, asked each second: SIGTERM',
      samples: await repeat(REPETITIONS, handover(polling, 'SIGTERM')),
      unit: 'ms',
    },
  );
  const crowd = await crowdHandovers(cluster, REPETITIONS);
  figures.push(
    { what: '100 standbys: leader leaves to first work', samples: crowd.took, unit: 'ms' },
    { what: '100 standbys: statements for a handover', samples: crowd.statements, unit: '' },
    { what: '100 standbys: statements a minute of the standbys', samples: crowd.idle, unit: '' },
  );
  const missed = printFigures(figures);

  const frozen = { patience: 15_000 };
  const taken = async (start: Contender) =>
    (await succession(start, 'SIGSTOP', frozen)).took === null ? 'not within 15 s' : 'yes';
  console.log(`\nPaused leader succeeded: lease of 3 s: ${await taken(quick)}; advisory lock: ${await taken(waiting)}`);

  const lease = `bench-${randomUUID()}`;
  const leader = ours(lease);
  await leader.until('admitted');
  const standby = ours(lease);
  await standby.until('holder');
  await sleep(1_000);
  const [led, stood] = await Promise.all(
    [leader, standby].map(({ pid }) => statements(cluster, `replica ${pid}`, MINUTES * 60_000)),
  );
  await Promise.all([leader.kill(), standby.kill()]);
  const lines = [`Statements a minute: leader ${led! / MINUTES}, standby ${stood! / MINUTES}`];
  for (const queue of ['pg-boss', 'graphile-worker']) {
    const idle = contender(cluster, 'test/bench/postgres/queues.mjs', { QUEUE: queue })(lease);
    await idle.until('ready');
    await sleep(2_000);
    const count = await statements(cluster, 'queue', MINUTES * 60_000);
    lines.push(`  an idle ${queue} worker with one yearly cron: ${count / MINUTES}`);
    await idle.kill();
  }
  console.log(lines.join('\n'));
  process.exitCode = missed === 0 ? 0 : 1;
} finally {
  await cluster[Symbol.asyncDispose]();
}
