import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { printFigures } from '../figures.js';
import type { Lab } from '../lab.js';
import { Contestant } from './contestant.js';
import { crash, graceful, pause, type Scenario } from './scenarios.js';

/** Handovers between two real processes on the file store. */
export async function fileStore(lab: Lab): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-leader-bench-'));
  const repetitions = lab.amount(20, 2);
  const repeat = async (scenario: Scenario, leaseDuration: number) => {
    const samples: number[] = [];
    while (samples.length < repetitions) samples.push(await once(folder, scenario, leaseDuration));
    return samples;
  };
  try {
    printFigures([
      {
        what: 'SIGTERM to first work of the successor',
        samples: await repeat(graceful, 15_000),
        unit: 'ms',
        target: 30,
      },
      { what: 'SIGKILL to first work of the successor', samples: await repeat(crash, 15_000), unit: 'ms', target: 500 },
      { what: 'SIGSTOP to first work, lease of 3 s', samples: await repeat(pause, 3_000), unit: 'ms' },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `\nPaused leader: no overlap, and "not leader" at the first question after SIGCONT, in ${repetitions} of ${repetitions} runs.`,
  );
}

async function once(folder: string, scenario: Scenario, leaseDuration: number): Promise<number> {
  const directory = mkdtempSync(join(folder, 'leases-'));
  const leader = new Contestant(directory, leaseDuration);
  await leader.told('admitted');
  const standby = new Contestant(directory, leaseDuration);
  try {
    await standby.told('standing-by');
    await sleep(300 + Math.random() * 200); // any phase of the renewals and of the probes
    return await scenario({ leader, standby });
  } finally {
    await Promise.all([leader.end(), standby.end()]);
  }
}
