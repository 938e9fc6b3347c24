import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { CORPUS } from './corpus.js';
import { campaign } from './campaign.js';
import { playHistory } from './history.js';
import { gate } from './mutants/gate.js';
import { PROFILES, type Profile } from './profiles.js';
import { tell } from './report.js';
import { shipped } from './shipped.js';
import { describePlan, shrink } from './shrink.js';
import { tables } from './tables.js';

const USAGE = `npm run test:sim -- [options]
  --seed N            play one seed and print its timeline (the last --seconds of it, default 60)
  --shrink            with --seed: take away whatever the broken promise does not need
  --seeds N --from S  play N seeds from S on (default 1), the corpus first
  --resume            go on where the last campaign was interrupted
  --jobs N            worker threads (default: all cores)
  --mutants           play every known bug until it is caught, in at most --seeds (1000) histories
  --tables            print the figures of docs/how-it-is-proven.md
  --profile NAME      ${Object.keys(PROFILES).join(', ')}`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    shrink: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    tables: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
    profile: { type: 'string', default: 'swarm' },
    help: { type: 'boolean', default: false },
  },
});

async function one(seed: number, profile: Profile): Promise<boolean> {
  const plan = values.shrink ? await shrink(PROFILES[profile](seed), shipped) : PROFILES[profile](seed);
  const outcome = await playHistory(plan, shipped, { timeline: Number(values.seconds) });
  console.log(outcome.timeline);
  console.log(describePlan(plan));
  console.log(
    `${tell(outcome, profile)}\ntrace ${(outcome.trace >>> 0).toString(16)}, ${outcome.events} events, ${outcome.terms} terms`,
  );
  return outcome.breach === null;
}

async function many(): Promise<boolean> {
  for (const { seed, note } of CORPUS) {
    const outcome = await playHistory(PROFILES.swarm(seed), shipped);
    if (outcome.breach) {
      console.log(`corpus: ${note}\n${tell(outcome)}`);
      return false;
    }
  }
  return campaign({
    from: Number(values.from),
    seeds: Number(values.seeds ?? 1000),
    jobs: Number(values.jobs),
    resume: values.resume,
    profile: values.profile as Profile,
  });
}

function chosen(): Promise<boolean> {
  if (values.tables) return tables().then(() => true);
  if (values.mutants) return gate(Number(values.seeds ?? 1000));
  return values.seed === undefined ? many() : one(Number(values.seed), values.profile as Profile);
}

if (values.help || !(values.profile in PROFILES)) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 1;
} else {
  const kept = await chosen();
  process.exitCode = kept ? 0 : 1;
}
