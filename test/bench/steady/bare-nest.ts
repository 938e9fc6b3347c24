import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Replica } from '../../e2e/fleet/replica.js';
import { TELLS_HEAP } from '../contenders.js';
import { liveHeap, residentMemory } from './meter.js';

/** MiB of the application of the benchmark without an election: what Node and Nest take by themselves. */
export async function bareNest(): Promise<{ rss: number; heap: number }> {
  const program = fileURLToPath(new URL('./bare-nest-application.js', import.meta.url));
  const application = new Replica('bare', process.execPath, [...TELLS_HEAP, program]);
  try {
    await application.until('ready');
    await sleep(5_000);
    const rss = residentMemory(application.pid);
    return { rss, heap: (await liveHeap(application))! };
  } finally {
    await application.kill();
  }
}
