// npm run chaos:ticks [-- ATTEMPTS FAULTS]: three real replicas with a job each second, and random signals to the one that leads. The
// ledger outside says afterwards whether a tick was doubled or lost.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [attempts = '1', faults = '200'] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-ticks-'));
const ledger = `${directory}.ledger`;
writeFileSync(ledger, '');
const replica = fileURLToPath(new URL('replica.mjs', import.meta.url));
const running = new Set();
let isOver = false;

function start() {
  const child = spawn(process.execPath, [replica, directory, ledger, attempts], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    if (!isOver) setTimeout(start, 300);
  });
}

const events = () =>
  readFileSync(ledger, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const between = (least, most) => least + Math.random() * (most - least);

for (let i = 0; i < 3; i++) start();
await sleep(4000);
const signals = { SIGKILL: 0, SIGTERM: 0, SIGSTOP: 0 };
for (let fault = 0; fault < Number(faults); fault++) {
  const leader = events().at(-1)?.pid;
  const child = [...running].find(({ pid }) => pid === leader) ?? [...running][0];
  const signal = Object.keys(signals)[Math.floor(Math.random() * 3)];
  signals[signal] += 1;
  child?.kill(signal);
  if (signal === 'SIGSTOP') {
    await sleep(between(500, 4500));
    child?.kill('SIGCONT');
  }
  await sleep(between(500, 3000));
}
await sleep(5000);
isOver = true;
for (const child of running) child.kill('SIGKILL');

const told = events();
const starts = told.filter(({ event }) => event === 'start');
const spans = attempts === '1' ? starts : told.filter(({ event }) => event === 'done');
const [first, last] = [starts[0].at, Math.max(...spans.map(({ at }) => at))];
const unanswered = [];
for (let at = first + 1000; at <= last; at += 1000)
  if (!spans.some((span) => (span.previous ?? 0) < at && at <= span.at)) unanswered.push(at);
const late = starts.map(({ at, now }) => now - at).toSorted((a, b) => a - b);
const repeated = starts.length - new Set(starts.map(({ at }) => at)).size;
console.log({
  attempts: Number(attempts),
  signals,
  seconds: (last - first) / 1000 + 1,
  starts: starts.length,
  done: told.filter(({ event }) => event === 'done').length,
  repeated,
  'seconds that nobody has answered for': unanswered.length,
  'out of order': starts.filter(({ at }, i) => i > 0 && at < starts[i - 1].at).length,
  'before its instant': late.filter((ms) => ms < 0).length,
  'late by, ms': { p50: late[Math.floor(late.length / 2)], p90: late[Math.floor(late.length * 0.9)] },
});
const isBroken = attempts === '1' ? repeated > 0 : unanswered.length > 0;
process.exitCode = isBroken ? 1 : 0;
