// One process of a file store test: process.mjs <what to do> <directory> [argument]
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [mode, directory, argument] = process.argv.slice(2);

if (mode === 'die') {
  // Killed in the middle of a write, at the very system call that is named: `link` before it happens, `link+` after.
  const call = argument.replace('+', '');
  const original = fs.promises[call];
  let armed = false;
  fs.promises[call] = async (...args) => {
    if (!armed) return original(...args);
    if (argument.endsWith('+')) await original(...args);
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  };
  globalThis.arm = () => {
    armed = true;
  };
  syncBuiltinESMExports();
}

const { fileLease } = await import('../../../dist/index.js');
const lease = fileLease({ directory }).open({ name: 'orders' });
const { signal } = new AbortController();
const say = (line) => fs.writeSync(1, `${JSON.stringify(line)}\n`);

async function write(count = 0) {
  const seen = await lease.read(signal);
  globalThis.arm?.();
  const record = {
    holder: `process-${process.pid}`,
    duration: 15_000,
    acquiredAt: 1,
    renewedAt: 1,
    transitions: (seen.lease?.record.transitions ?? 0) + 1,
    term: 'term',
    writeId: randomUUID(),
  };
  const outcome = await lease.replace(seen, record, signal);
  if (count) {
    say({
      kind: outcome.kind,
      writeId: record.writeId,
      on: seen.lease?.record.writeId,
      token: String(seen.token + 1n),
    });
  }
  return outcome.kind;
}

if (mode === 'hold') {
  await write();
  say('held');
  setInterval(() => {}, 60_000);
} else if (mode === 'write') {
  for (let written = 0; written < Number(argument);) written += (await write()) === 'applied' ? 1 : 0;
} else if (mode === 'race') {
  for (let written = 0; written < Number(argument);) written += (await write(1)) === 'applied' ? 1 : 0;
} else if (mode === 'die') {
  await write();
}
