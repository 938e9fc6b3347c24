import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What a process holds on to. */
export interface Footprint {
  /** MiB of live objects, after garbage collection. */
  heap: number;
  sockets: number;
  timers: number;
}

export async function footprint(): Promise<Footprint> {
  // Twice, with turns between: finalizers of the first round free what the second one counts.
  for (let round = 0; round < 2; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const resources = process.getActiveResourcesInfo();
  const count = (pattern: RegExp) => resources.filter((resource) => pattern.test(resource)).length;
  return {
    heap: Math.round((process.memoryUsage().heapUsed / 1024 / 1024) * 100) / 100,
    sockets: count(/^(TCPSocket|TLS)Wrap$/),
    timers: count(/^Timeout$/),
  };
}
