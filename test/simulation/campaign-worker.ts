import { parentPort } from 'node:worker_threads';
import type { Batch } from './campaign.js';
import { playHistory } from './history.js';
import { PROFILES } from './profiles.js';
import { shipped } from './shipped.js';
import { add, emptyTally } from './tally.js';
import { abortLightly } from './world/light-abort.js';

// Half a million timeouts build half a million errors, and nobody reads their stacks: an eighth of the time.
Error.stackTraceLimit = 0;
abortLightly();

parentPort!.on('message', (batch: Batch) => void play(batch));

async function play({ from, count, profile }: Batch): Promise<void> {
  const tally = emptyTally();
  for (let seed = from; seed < from + count; seed++)
    add(tally, await playHistory(PROFILES[profile](seed), shipped), profile);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(tally);
}
