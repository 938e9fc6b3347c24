import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Profile } from './profiles.js';
import { emptyTally, idleFaults, merge, printTally, type Tally } from './tally.js';

export interface CampaignSettings {
  from: number;
  seeds: number;
  jobs: number;
  resume: boolean;
  profile: Profile;
}

export interface Batch {
  from: number;
  count: number;
  profile: Profile;
}

const BATCH = 500;
/** The rarest kind strikes once in ten histories. */
const ENOUGH_FOR_EVERY_FAULT = 1000;
const STATE = '.cache/campaign.json';

interface State {
  from: number;
  seeds: number;
  profile: Profile;
  /** First seeds of the batches that are done. */
  done: number[];
  tally: Tally;
  seconds: number;
}

/** Plays seeds on all cores. What is done is kept in a file after each batch, so that an interrupted campaign goes on. */
export async function campaign({ from, seeds, jobs, resume, profile }: CampaignSettings): Promise<boolean> {
  const last = resume ? load() : null;
  // One that is over has nothing to go on with, and its figures are not those of what was asked for.
  const isOver = last === null || last.done.length * BATCH >= last.seeds;
  const state: State = isOver ? { from, seeds, profile, done: [], tally: emptyTally(), seconds: 0 } : last;
  const done = new Set(state.done);
  const batches: Batch[] = [];
  for (let seed = state.from; seed < state.from + state.seeds; seed += BATCH) {
    const count = Math.min(BATCH, state.from + state.seeds - seed);
    if (!done.has(seed)) batches.push({ from: seed, count, profile: state.profile });
  }
  const begun = Date.now();
  const before = { seconds: state.seconds, cpuSeconds: state.tally.cpuSeconds };
  await Promise.all(
    Array.from({ length: Math.min(jobs, batches.length) }, () =>
      drain(batches, ({ from }, tally) => {
        state.done.push(from);
        merge(state.tally, tally);
        state.seconds = before.seconds + (Date.now() - begun) / 1000;
        // Of the whole process, all its threads and the collector's too.
        const { user, system } = process.cpuUsage();
        state.tally.cpuSeconds = before.cpuSeconds + (user + system) / 1e6;
        save(state);
        for (const line of tally.breaches) console.log(line);
        if (state.done.length % 20 === 0) {
          console.log(
            `${state.tally.histories} histories, ${state.tally.breaches.length} broken promises, ${state.seconds.toFixed(0)} s`,
          );
        }
      }),
    ),
  );
  console.log(printTally(state.tally, state.seconds));
  const idle = state.tally.histories >= ENOUGH_FOR_EVERY_FAULT ? idleFaults(state.tally) : [];
  if (idle.length > 0) console.log(`Never struck, so nothing is proven against it: ${idle.join(', ')}.`);
  // Profiles leave out what their kind of trouble does not go with; the swarm leaves out nothing.
  return state.tally.breaches.length === 0 && (idle.length === 0 || state.profile !== 'swarm');
}

function drain(batches: Batch[], finished: (batch: Batch, tally: Tally) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('campaign-worker.js', import.meta.url));
    let current: Batch | undefined;
    const next = (): void => {
      current = batches.shift();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      if (current) worker.postMessage(current);
      else void worker.terminate().then(() => resolve(), reject);
    };
    worker.on('message', (tally: Tally) => {
      finished(current!, tally);
      next();
    });
    worker.on('error', reject);
    next();
  });
}

function load(): State | null {
  try {
    return JSON.parse(readFileSync(STATE, 'utf8')) as State;
  } catch (error) {
    console.log(`Nothing to resume (${(error as Error).message}): beginning anew.`);
    return null;
  }
}

function save(state: State): void {
  mkdirSync('.cache', { recursive: true });
  writeFileSync(`${STATE}.new`, JSON.stringify(state));
  renameSync(`${STATE}.new`, STATE);
}
