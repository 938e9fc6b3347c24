import { setTimeout as sleep } from 'node:timers/promises';
import { bare } from '../contenders.js';
import { printFigures } from '../figures.js';
import type { Lab } from '../lab.js';
import { Squad } from './squad.js';

/** SIGTERM on the leader to its successor's first admitted work; nothing to drain. */
export async function sigterm(lab: Lab): Promise<void> {
  await Squad.all(lab, 1, [bare], async (squads) => {
    const samples = squads.map((): number[] => []);
    for (let round = 0; round < lab.amount(30, 3); round++) {
      await Promise.all(squads.map((squad) => squad.muster()));
      // Any phase of a poller's rhythm, which is 2 to 4.4 s long.
      await sleep(4_500 * Math.random());
      for (const [i, squad] of squads.entries()) samples[i]!.push(await squad.terminate());
    }
    console.log("SIGTERM on the leader to its successor's first work:");
    printFigures(squads.map(({ name }, i) => ({ what: name, samples: samples[i]!, unit: 'ms' })));
  });
}
