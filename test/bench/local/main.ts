import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, printFigures, printMachine } from '../figures.js';
import { Contestant } from './contestant.js';
import { crash, graceful, pause, type Scenario } from './scenarios.js';

/** `npm run bench:local [-- repetitions]`: handovers between two real processes on the file store. */
const REPETITIONS = Number(process.argv[2] ?? 20);

const folder = mkdtempSync(join(tmpdir(), 'nestjs-leader-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

async function repeat(scenario: Scenario, leaseDuration: number): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    const directory = mkdtempSync(join(folder, 'leases-'));
    const leader = new Contestant(directory, leaseDuration);
    await leader.told('admitted');
    const standby = new Contestant(directory, leaseDuration);
    try {
      await standby.told('standing-by');
      await sleep(300 + Math.random() * 200); // any phase of the renewals and of the probes
      samples.push(await scenario({ leader, standby }));
    } finally {
      await Promise.all([leader.end(), standby.end()]);
    }
  }
  return samples;
}

printMachine();
const figures: Figure[] = [
  { what: 'SIGTERM to first work of the successor', samples: await repeat(graceful, 15_000), unit: 'ms', target: 30 },
  { what: 'SIGKILL to first work of the successor', samples: await repeat(crash, 15_000), unit: 'ms', target: 500 },
  { what: 'SIGSTOP to first work, lease of 3 s', samples: await repeat(pause, 3_000), unit: 'ms' },
];
const missed = printFigures(figures);
console.log(
  `\nPaused leader: no overlap, and "not leader" at the first question after SIGCONT, in ${REPETITIONS} of ${REPETITIONS} runs.`,
);
process.exitCode = missed === 0 ? 0 : 1;
