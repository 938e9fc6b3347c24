import { defaults, outages, polls, windows } from './defaults.js';
import { availability, spending, succession, troubled, type Kind } from './measure.js';
import { shipped } from './shipped.js';
import { at, head, row, seconds } from './table.js';

const KINDS: readonly Kind[] = ['ours', 'client-go'];
const SIZES = [2, 3, 10, 100] as const;

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
  await outages();
  await windows();
  await polls();
}
