import { Body, Controller, Put, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { FencingGuard, FencingTokenStore, MemoryFencingTokenStore } from 'nestjs-leader/fencing';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

@UseGuards(FencingGuard)
@Controller()
class Ledger {
  readonly written: string[] = [];
  @Put() put(@Body() { value }: { value: string }) {
    this.written.push(value);
  }
}

async function ledger(): Promise<{ url: string; written: string[] }> {
  const providers = [{ provide: FencingTokenStore, useClass: MemoryFencingTokenStore }];
  const module = await Test.createTestingModule({ controllers: [Ledger], providers }).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), written: app.get(Ledger).written };
}

/** A real process; `line` resolves with the first of its lines that begins so. */
function writer(...args: string[]): { child: ChildProcess; line(prefix: string): Promise<string> } {
  const script = fileURLToPath(new URL('writer.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.kill('SIGKILL')) await ended;
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line));
  const found = (prefix: string) => lines.find((line) => line.startsWith(prefix));
  return {
    child,
    async line(prefix) {
      await expect.poll(() => found(prefix), { timeout: 30_000 }).toBeDefined();
      return found(prefix)!;
    },
  };
}

it('a leader that was paused in the middle of a write is refused when it wakes after its successor has written', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'paused-writer-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const { url, written } = await ledger();

  const paused = writer(directory, url, 'first', 'pause');
  const [, , oldToken] = (await paused.line('first pausing')).split(' ');

  const successor = writer(directory, url, 'second');
  const [, , , newToken] = (await successor.line('second answered 200')).split(' ');
  expect(BigInt(newToken!)).toBeGreaterThan(BigInt(oldToken!));

  paused.child.kill('SIGCONT');
  expect(await paused.line('first answered')).toBe(`first answered 412 ${oldToken} false`);
  // A successor that the machine let wait may have begun another term and written again; the woken one never.
  expect(written[0]).toBe(`second ${newToken}`);
  expect(written.filter((line) => line.startsWith('first'))).toEqual([]);
}, 60_000);
