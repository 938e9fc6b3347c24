import { randomUUID } from 'node:crypto';
import { readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileScene } from './scene.js';

afterEach(() => vi.useRealTimers());

const wall = (time: string) => vi.useFakeTimers({ toFake: ['Date'], now: new Date(time) });

describe('versions of a lease', () => {
  it('are numbered from the wall clock, in microseconds', async () => {
    wall('2026-03-01T00:00:00Z');
    const scene = await FileScene.set();
    expect((await scene.read()).token).toBe(BigInt(Date.now()) * 1_000n);
    expect((await scene.write('a')).token).toBe(BigInt(Date.now()) * 1_000n + 1n);
  });

  it('go on above all earlier ones when the folder was cleared, in a process that never saw them too', async () => {
    wall('2026-03-01T00:00:00Z');
    const scene = await FileScene.set();
    for (let i = 0; i < 5; i++) await scene.write('a');
    const last = await scene.write('a');
    await rename(scene.path, join(scene.directory, 'cleared'));
    wall('2026-03-01T00:00:00.001Z');
    expect((await scene.open().read(scene.signal)).token).toBeGreaterThan(last.token);
    expect((await scene.write('b')).token).toBeGreaterThan(last.token);
  });

  it('go on above all that this process has seen, even if the wall clock went back', async () => {
    wall('2026-03-01T00:00:00Z');
    const scene = await FileScene.set();
    const last = await scene.write('a');
    await rename(scene.path, join(scene.directory, 'cleared'));
    wall('2020-03-01T00:00:00Z');
    expect((await scene.read()).token).toBeGreaterThan(last.token);
  });

  it('never start again from where they once did, should only the versions be removed', async () => {
    const scene = await FileScene.set();
    await scene.write('a');
    expect(await readdir(scene.path)).not.toContain('origin');
  });

  it('start anew from an origin that a power failure cut short', async () => {
    const scene = await FileScene.set();
    await scene.read();
    await writeFile(join(scene.path, 'origin'), '');
    const { token } = await scene.read();
    expect(token).toBeGreaterThan(0n);
    expect((await scene.write('a')).token).toBe(token + 1n);
  });

  it('are not mistaken for other files', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    for (const name of ['README', '9.json', '9999999999999999.json', '1767225600000001.json.bak'])
      await writeFile(join(scene.path, name), '');

    expect((await scene.read()).token).toBe(seen.token);
  });
});

describe('drafts that dead writers left', () => {
  it('are removed once they are old, while those of writers at work stay', async () => {
    const scene = await FileScene.set();
    await scene.read();
    const [old, young] = [`.draft-${randomUUID()}`, `.draft-${randomUUID()}`];
    for (const name of [old, young]) await writeFile(join(scene.path, name), '');
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(join(scene.path, old), longAgo, longAgo);
    for (let i = 0; i < 17; i++) await scene.write('a');
    const names = await readdir(scene.path);
    expect(names).not.toContain(old);
    expect(names).toContain(young);
  });
});
