import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlPlane } from '../e2e/control-plane/control-plane.js';
import { Cluster } from '../postgres/cluster.js';
import type { Store } from './lines.js';

interface Server<T> {
  readonly at: T;
  stop(): Promise<void> | void;
}

export const stores: Record<Store['kind'], (directory: string) => Promise<Server<Store>>> = {
  file: (directory) =>
    Promise.resolve({
      at: { kind: 'file', address: join(directory, 'leases'), leaseDuration: 2000 },
      stop: () => undefined,
    }),
  async postgres() {
    const cluster = await Cluster.create();
    return {
      at: { kind: 'postgres', address: cluster.url, leaseDuration: 2000 },
      stop: () => cluster[Symbol.asyncDispose](),
    };
  },
  async kubernetes(directory) {
    const plane = await ControlPlane.start();
    const address = plane.kubeconfig(join(directory, 'kubeconfig'), plane.administrator);
    // The least that whole seconds allow.
    return { at: { kind: 'kubernetes', address, leaseDuration: 5000 }, stop: () => plane.stop() };
  },
};

/** For the home-made lock; none where `redis-server` is not installed. */
export function redisServer(): Server<string> | undefined {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-redis-'));
  const socket = join(directory, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  return { at: socket, stop: () => void server.kill() };
}
