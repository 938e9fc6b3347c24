import { LeaderElector, memoryLease } from 'nestjs-leader';
import { printFigures } from '../figures.js';
import type { Lab } from '../lab.js';

const SUBSCRIBERS = 10_000;

/** What one change of leadership costs where very many listen: from the first subscriber that is told to the last. */
export async function subscribers(lab: Lab): Promise<void> {
  const elector = new LeaderElector({ options: { leaseName: 'bench', store: memoryLease() } });
  const samples: number[] = [];
  let first = 0;
  elector.leadership$.subscribe(() => (first = performance.now()));
  for (let i = 2; i < SUBSCRIBERS; i++) elector.leadership$.subscribe(() => {});
  elector.leadership$.subscribe(() => samples.push(performance.now() - first));
  await elector.start();
  const rounds = lab.amount(40, 5);
  for (let round = 0; round < rounds; round++) {
    await elector.whenLeader();
    await elector.stepDown({ cooldown: 0 });
  }
  await elector.shutdown();
  // The first few were told while they subscribed, and while the code was cold.
  const changes = samples.slice(-2 * rounds + 4);
  printFigures([
    { what: `one change, told to ${SUBSCRIBERS} subscribers of leadership$`, samples: changes, unit: 'ms' },
  ]);
}
