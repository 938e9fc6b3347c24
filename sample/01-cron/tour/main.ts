import { writeFileSync } from 'node:fs';
import { Fleet } from '../supervisor/fleet.js';
import { RunFolder } from '../supervisor/run-folder.js';
import { History } from './history.js';
import { STEPS } from './steps.js';

/** `npm run tour`: what the election promises, seen on real processes. Exits 0 only if each step held. `-- --report FILE` writes the outcome as JSON. */
const reportTo = process.argv.includes('--report') ? process.argv[process.argv.indexOf('--report') + 1] : undefined;
const folder = new RunFolder();
const fleet = new Fleet(folder);
const history = new History(fleet);
const outcomes: { title: string; passed: boolean; measured?: string; error?: string }[] = [];

async function leave(code: number): Promise<never> {
  await fleet.stop();
  folder.remove();
  if (reportTo) writeFileSync(reportTo, JSON.stringify({ steps: outcomes, total: Object.keys(STEPS).length }));
  process.exit(code);
}
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => void leave(code));

for (const [title, step] of Object.entries(STEPS)) {
  console.log(`${outcomes.length + 1}. ${title}`);
  try {
    const measured = await step({ fleet, history, folder });
    outcomes.push({ title, passed: true, measured });
    console.log(`   held: ${measured}`);
  } catch (error) {
    const reason = (error as Error).message;
    outcomes.push({ title, passed: false, error: reason });
    console.log(`   DID NOT HOLD: ${reason}\n   What the replicas told last:`);
    for (const { replica, event } of history.all.slice(-15)) console.log(`   ${replica.name} ${JSON.stringify(event)}`);
    await leave(1);
  }
}
console.log(`\nAll ${outcomes.length} steps held.`);
await leave(0);
