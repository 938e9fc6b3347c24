import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Snapshot } from 'nestjs-leader';
import { FileScene, recordOf } from './scene.js';

const warnings = vi.spyOn(process, 'emitWarning');
beforeEach(() => void warnings.mockImplementation(() => {}));
afterEach(() => void warnings.mockReset());

const damages: [string, (path: string) => Promise<unknown>][] = [
  ['empty', (path) => truncate(path, 0)],
  ['cut short', (path) => truncate(path, 100)],
  ['full of zeros', (path) => writeFile(path, Buffer.alloc(300))],
  ['not a lease', (path) => writeFile(path, '{"hello":"world"}')],
  ['nothing', (path) => writeFile(path, 'null')],
  [
    'of a format to come',
    async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('"format":1', '"format":2')),
  ],
  [
    'with a time that is a text',
    async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('"duration":15000', '"duration":"x"')),
  ],
  [
    'of a duration that nobody lives to see',
    async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('"duration":15000', '"duration":1e300')),
  ],
  ['larger than a lease can be', (path) => writeFile(path, ' '.repeat(65_537), { flag: 'a' })],
];

describe.each(damages)('a newest version that is %s', (_what, damage) => {
  async function damaged(): Promise<{ scene: FileScene; before: Snapshot; after: Snapshot }> {
    const scene = await FileScene.set();
    const before = await scene.write('a');
    await damage(scene.versionPath(before));
    return { scene, before, after: await scene.read() };
  }

  it('counts as held by somebody unknown, for a duration that it does not say', async () => {
    const { scene, before, after } = await damaged();
    expect(after.token).toBe(before.token);
    expect(after.lease?.record).toMatchObject({ duration: 0, term: null, writeId: null });
    expect(after.lease?.record.holder).toContain('unreadable');
    expect(after.lease).not.toHaveProperty('age');
    expect(await scene.handle.isHolderGone!(after, scene.signal)).toBe(false);
    expect(await scene.read()).toEqual(after);
    expect(warnings).toHaveBeenCalledOnce();
    expect(warnings.mock.calls[0]?.[0]).toContain(scene.path);
  });

  it('is followed by versions that read well, and kept for people to look at', async () => {
    const { scene, before, after } = await damaged();
    const content = await readFile(scene.versionPath(before));
    const outcome = await scene.handle.replace(after, recordOf('b'), scene.signal);
    expect(outcome).toMatchObject({ kind: 'applied', snapshot: { token: before.token + 1n } });
    for (let i = 0; i < 20; i++) await scene.write('b');
    const kept = (await readdir(scene.path)).find((name) => name.startsWith('unreadable'));
    expect(await readFile(join(scene.path, kept!))).toEqual(content);
  });

  it('does not stop its holder, who goes on from what it knows', async () => {
    const { scene, before } = await damaged();
    expect(await scene.handle.replace(before, recordOf('a'), scene.signal)).toMatchObject({ kind: 'applied' });
    expect((await scene.read()).lease?.record.holder).toBe('a');
  });
});
