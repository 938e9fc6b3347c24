import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Line, Settings, Store } from './lines.js';
import { redisServer, stores } from './servers.js';
import { tell } from './verdict.js';

/**
 * `npm run chaos:ticks -- [--store file|postgres|kubernetes] [--attempts N] [--signals N]`: three real replicas with a job each second,
 * and random signals, mostly to the one that leads. A ledger outside says afterwards what was doubled or lost.
 */
const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'file' },
    attempts: { type: 'string', default: '1' },
    signals: { type: 'string', default: '200' },
  },
});
const attempts = Number(values.attempts);
const REPLICA = fileURLToPath(new URL('replica.js', import.meta.url));

const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-ticks-'));
const ledger = join(directory, 'ledger');
writeFileSync(ledger, '');
const redis = redisServer();
const server = await stores[values.store as Store['kind']](directory);
const settings: Settings = { store: server.at, ledger, attempts, redis: redis?.at };

const running = new Set<ChildProcess>();
let isOver = false;

function start(): void {
  const child = spawn(process.execPath, [REPLICA, JSON.stringify(settings)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    if (!isOver) setTimeout(start, 300);
  });
}

function lines(): Line[] {
  const whole = readFileSync(ledger, 'utf8').split('\n').slice(0, -1);
  return whole.map((line) => JSON.parse(line) as Line);
}

function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

function victim(): ChildProcess | undefined {
  const replicas = [...running];
  const leader = lines().findLast(({ way }) => way === 'ours')?.pid;
  const leading = Math.random() < 0.8 ? replicas.find(({ pid }) => pid === leader) : undefined;
  return leading ?? replicas[Math.floor(Math.random() * replicas.length)];
}

async function strike(): Promise<keyof typeof struck> {
  const signal = (['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const)[Math.floor(Math.random() * 3)]!;
  const child = victim();
  child?.kill(signal);
  if (signal === 'SIGSTOP') {
    await sleep(between(500, 2.2 * server.at.leaseDuration));
    child?.kill('SIGCONT');
  }
  await sleep(between(500, 3000));
  return signal;
}

async function end(): Promise<void> {
  isOver = true;
  for (const child of running) child.kill('SIGKILL');
  await server.stop();
  await redis?.stop();
}

// Replicas and servers outlive a parent that only dies.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void end().finally(() => process.exit(1)));

for (let i = 0; i < 3; i++) start();
// A new Lease claims no tick of its first minute: nobody can know what was claimed in one that was deleted.
while (!lines().some(({ way }) => way === 'ours')) await sleep(500);
const from = Date.now();
const struck = { SIGKILL: 0, SIGTERM: 0, SIGSTOP: 0 };
for (let n = 0; n < Number(values.signals); n++) struck[await strike()] += 1;
const until = Date.now();
await sleep(5000);
await end();

console.log({ store: values.store, attempts, struck, seconds: Math.round((until - from) / 1000) });
const isKept = tell(lines(), { attempts, from, until });
rmSync(directory, { recursive: true, force: true });
process.exitCode = isKept ? 0 : 1;
