import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeApiServer } from '../../kubernetes/fake-api-server.js';

const PATIENCE = { timeout: 30_000 };
/** A term that is younger than its lease of three seconds is waited out. */
const OLD = 3_300;

async function exiting(way: string, { releaseOnExit = true, after = OLD } = {}) {
  const server = await FakeApiServer.start();
  const script = fileURLToPath(new URL('exiting.mjs', import.meta.url));
  const told: string[] = [];
  const { VITEST: _, ...env } = process.env;
  const behaviour = { port: server.port, certificate: server.ca.certificate, way, releaseOnExit, after };
  const child = spawn(process.execPath, [script, JSON.stringify(behaviour)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const exit = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone')),
  );
  createInterface({ input: child.stdout }).on('line', (line) => told.push(line.replace(/^@/, '')));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
    await server.stop();
  });
  const lease = () => server.leases.get('default', 'orders');
  const tells = (text: string | RegExp) =>
    expect.poll(() => told.find((line) => line.match(text)), PATIENCE).toBeDefined();
  return { told, exit, tells, holder: () => lease().spec['holderIdentity'] };
}

describe('the lease of a process that ends by itself', () => {
  it.each(['exit', 'uncaught', 'rejection', 'worker gone', 'child gone', 'no such child'])(
    'is let go: %s',
    async (way) => {
      const { exit, holder, told } = await exiting(way);
      expect(await exit).toBe(1);
      expect(holder()).toBe('');
      expect(told).toContain('status ready');
    },
  );

  it.each(['worker', 'new worker', 'child', 'last'])('is kept where something may go on: %s', async (way) => {
    const { exit, holder } = await exiting(way);
    expect(await exit).toBe(1);
    expect(holder()).not.toBe('');
  });

  it('is kept in a young term, and where the option says so', async () => {
    const young = await exiting('exit', { after: 500 });
    expect(await young.exit).toBe(1);
    expect(young.holder()).not.toBe('');
    const unwilling = await exiting('exit', { releaseOnExit: false });
    expect(await unwilling.exit).toBe(1);
    expect(unwilling.holder()).not.toBe('');
    expect(unwilling.told).toContain('status off');
  });

  it.each(['emit', 'exit in a worker'])('is kept when nothing has ended: %s', async (way) => {
    const { holder, told, tells } = await exiting(way);
    await tells('status');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(told.filter((line) => line === 'ends')).toHaveLength(1);
    expect(holder()).not.toBe('');
  });

  it.each(['caught after ours', 'caught by a listener that came later'])(
    'is claimed anew, in another term, when the process lives on: %s',
    async (way) => {
      const { told, tells } = await exiting(way);
      await tells('caught');
      await tells(/log .*lives on although it has exited/);
      const tokens = () => told.filter((line) => line.startsWith('leads')).map((line) => Number(line.split(' ')[1]));
      await expect.poll(() => tokens().length, PATIENCE).toBe(2);
      expect(tokens()[1]).toBeGreaterThan(tokens()[0]!);
    },
  );

  it('is left to expire when a listener before ours has kept the process alive', async () => {
    const { tells } = await exiting('caught before ours');
    await tells('caught');
    // No request of this process is answered any more: it stops believing by its clocks.
    await tells(/log .*leads no more \(expired\)/);
  });
});
