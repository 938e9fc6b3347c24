import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export const redisIsInstalled = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis of the test's own, behind a socket in a folder that goes with it. Returns the socket's path. */
export async function redisServer(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'leader-redis-'));
  const path = join(directory, 'redis.sock');
  const options = [
    '--port',
    '0',
    '--unixsocket',
    path,
    '--dir',
    directory,
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  onTestFinished(async () => {
    const gone = once(server, 'exit');
    if (server.kill()) await gone;
    await rm(directory, { recursive: true, force: true });
  });
  while (!(await answers(path))) await sleep(20);
  return path;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.unref();
    socket.once('connect', () => socket.end());
  });
}
