import { printMachine } from './figures.js';
import { Lab } from './lab.js';

// npm run bench [-- --quick] [-- name ...]: every comparison, or those that are named

type Comparison = (lab: Lab) => Promise<void>;

const COMPARISONS: Record<string, () => Promise<Comparison>> = {
  handover: async () => (await import('./handover/sigterm.js')).sigterm,
  crash: async () => (await import('./handover/sigkill.js')).sigkill,
  file: async () => (await import('./local/file-store.js')).fileStore,
  steady: async () => (await import('./steady/steady.js')).steady,
  elections: async () => (await import('./elections/elections.js')).elections,
  writes: async () => (await import('./writes/writes.js')).writes,
  ticks: async () => (await import('./ticks/ticks.js')).ticks,
  calls: async () => (await import('./hot/calls.js')).calls,
  subscribers: async () => (await import('./hot/subscribers.js')).subscribers,
  footprint: async () => (await import('./footprint/footprint.js')).footprint,
};

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const asked = args.filter((arg) => !arg.startsWith('-'));
const unknown = asked.filter((name) => !(name in COMPARISONS));
if (unknown.length > 0) {
  console.error(`No comparison is called ${unknown.join(', ')}. There are: ${Object.keys(COMPARISONS).join(', ')}.`);
  process.exit(2);
}

const lab = new Lab(quick);
// Servers outlive a parent that only dies.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void lab.close().finally(() => process.exit(1)));
try {
  printMachine();
  for (const name of asked.length > 0 ? asked : Object.keys(COMPARISONS)) {
    const from = performance.now();
    console.log(`\n== ${name}`);
    await (
      await COMPARISONS[name]!()
    )(lab);
    console.log(`(${Math.round((performance.now() - from) / 1000)} s)`);
  }
} finally {
  await lab.close();
}
