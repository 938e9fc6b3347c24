import { setTimeout as sleep } from 'node:timers/promises';
import { printFigures } from '../figures.js';
import type { Lab } from '../lab.js';
import { type Crash, Squad } from './squad.js';

/** SIGKILL on the leader, at any point between two of its renewals, to its successor's first admitted work. */
export async function sigkill(lab: Lab): Promise<void> {
  // A takeover is mostly waiting: two squads of each kind wait side by side.
  await Squad.all(lab, lab.amount(2, 1), [], async (squads) => {
    const crashes = new Map<string, Crash[]>(squads.map(({ name }) => [name, []]));
    for (let round = 0; round < lab.amount(10, 1); round++) {
      // No process starts while a takeover is being timed.
      await Promise.all(squads.map((squad) => squad.muster()));
      await Promise.all(
        squads.map(async (squad) => {
          // A standby counts from when it saw the last renewal: let it see one.
          await sleep(4_000 + 3_000 * Math.random());
          crashes.get(squad.name)!.push(await squad.crash());
        }),
      );
    }
    console.log("SIGKILL on the leader to its successor's first work, lease of 15 s:");
    print(crashes, ({ afterSignal }) => afterSignal / 1000);
    console.log('\nThe same, counted from the end of the lease as the API server has it:');
    print(crashes, ({ afterLease }) => afterLease / 1000);
  });
}

function print(crashes: ReadonlyMap<string, readonly Crash[]>, seconds: (crash: Crash) => number): void {
  printFigures([...crashes].map(([what, all]) => ({ what, samples: all.map(seconds), unit: 's' })));
}
