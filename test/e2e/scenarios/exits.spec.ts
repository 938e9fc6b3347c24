import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { monotonic } from '../fleet/replica-lines.js';
import { figures, newFleet, report } from './shared.js';

/** A term that is younger than its lease is left to expire. */
const OLD = 16_000;
/** EXITS=10 for the figures of the docs. */
const TIMES = Number(process.env['EXITS'] ?? 3);

/** Milliseconds from the word to a leader that ends its process to its successor's first admitted work. */
async function exit(endBy: string): Promise<number> {
  await using fleet = await newFleet();
  const args = ['--sample-every', '20', '--end-by', endBy];
  const leader = await fleet.replica('leader', { program: 'nest', args });
  await leader.until('admitted');
  const standby = await fleet.replica('standby', { program: 'nest', args });
  await standby.until('holder');
  await sleep(OLD);
  const asked = monotonic();
  leader.endItself();
  const { t } = await standby.until('admitted');
  await leader.exited;
  return t - asked;
}

test.each(['exception', 'rejection', 'exit'])('a process that ends by an %s is succeeded at once', async (endBy) => {
  const took = await Promise.all(Array.from({ length: TIMES }, () => exit(endBy)));
  report(`a process ends by an ${endBy}: its successor works, ms`, { ours: figures(took) });
  // The lease would have had to be waited out for 12 s at least.
  expect(Math.max(...took)).toBeLessThan(5_000);
});
