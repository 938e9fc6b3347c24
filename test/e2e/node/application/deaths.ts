import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Death } from './lines.js';

const IDLE = 'setInterval(() => {}, 1_000)';

/** Returns what dies; what has to be there before it does, is when this resolves. */
export async function prepare(death: Death): Promise<() => void> {
  switch (death) {
    case 'exception':
      return () => {
        throw new Error('nobody catches this');
      };
    case 'rejection':
      return () => void Promise.reject(new Error('nobody handles this'));
    case 'exit':
      return () => process.exit(1);
    case 'exit-with-worker':
      await once(new Worker(IDLE, { eval: true }), 'online');
      return () => process.exit(1);
    case 'exit-with-child':
      await once(spawn(process.execPath, ['-e', IDLE], { stdio: 'ignore' }), 'spawn');
      return () => process.exit(1);
    case 'heap':
      return () => void growHeap([]);
    case 'memory':
      return () => growBuffers([]);
  }
}

/** Until V8 gives up, in pieces: the application works on while its memory runs out. */
function growHeap(kept: object[]): void {
  for (let i = 0; i < 100_000; i++) kept.push({ i });
  setImmediate(growHeap, kept);
}

/** Outside V8's heap, until the kernel kills: written to, as memory that is only asked for is not there yet. */
function growBuffers(kept: Buffer[]): void {
  kept.push(Buffer.alloc(16 << 20, 1));
  setImmediate(growBuffers, kept);
}
