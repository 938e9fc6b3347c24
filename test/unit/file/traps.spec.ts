import { execFileSync } from 'node:child_process';
import { chmod, chown, link, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileScene, recordOf } from './scene.js';

const warnings = vi.spyOn(process, 'emitWarning');
beforeEach(() => void warnings.mockImplementation(() => {}));
afterEach(() => void warnings.mockReset());

const root = process.getuid?.() === 0;
const name = (number: bigint) => `${String(number).padStart(16, '0')}.json`;

/** What may stand where a version is looked for, and is none. */
const traps: Record<string, (path: string, scene: FileScene) => Promise<unknown>> = {
  'a FIFO that nobody writes to': async (path) => execFileSync('mkfifo', [path]),
  'a link to a FIFO': async (path, { directory }) => {
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    await symlink(join(directory, 'pipe'), path);
  },
  'a link to endless zeros': (path) => symlink('/dev/zero', path),
  'a link to nowhere': (path) => symlink('/nowhere/at/all', path),
  'a link to itself': (path) => symlink(path, path),
  'a link to a version that reads well': (path, { path: folder }) =>
    readdir(folder).then((names) =>
      symlink(
        join(
          folder,
          names.find((n) => n.endsWith('.json'))!,
        ),
        path,
      ),
    ),
  'a folder': (path) => mkdir(path),
  'a folder with something in it': async (path) => {
    await mkdir(path);
    await writeFile(join(path, 'x'), '');
  },
  'a socket': async (path) => {
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(path, resolve));
  },
  'a huge file with nothing in it': async (path) => execFileSync('truncate', ['-s', '1T', path]),
  'another name of a file elsewhere': async (path, { directory }) => {
    await writeFile(join(directory, 'elsewhere'), 'x'.repeat(1_000));
    await link(join(directory, 'elsewhere'), path);
  },
  'brackets without end': (path) => writeFile(path, '['.repeat(65_000)),
};

describe.skipIf(process.platform === 'win32')('in the place of the newest version', () => {
  for (const [what, plant] of Object.entries(traps)) {
    it(`${what} is a holder that nobody knows, told once, and overtaken like one`, async () => {
      const scene = await FileScene.set();
      const before = await scene.write('a');
      await plant(scene.versionPath({ ...before, token: before.token + 1n }), scene);
      const seen = await scene.read();
      expect(seen.token).toBe(before.token + 1n);
      expect(seen.lease?.record).toMatchObject({
        holder: expect.stringContaining('unreadable'),
        duration: 0,
        term: null,
      });
      expect(await scene.read()).toEqual(seen);
      expect(await scene.handle.isHolderGone!(seen, scene.signal)).toBe(false);
      expect(warnings).toHaveBeenCalledOnce();
      const outcome = await scene.handle.replace(seen, recordOf('b'), scene.signal);
      expect(outcome).toMatchObject({ kind: 'applied', snapshot: { token: before.token + 2n } });
      // And goes out of the way with the old versions.
      for (let i = 0; i < 40; i++) await scene.write('b');
      const versions = (await readdir(scene.path)).filter((entry) => /^\d{16}\.json$/.test(entry));
      expect(versions).toHaveLength(16);
      expect(warnings).toHaveBeenCalledOnce();
    });
  }

  it.runIf(root)('a file that this user may not read is a holder that nobody knows', async () => {
    const scene = await FileScene.set();
    await scene.write('a');
    await chmod(scene.directory, 0o755);
    const planted = await scene.read();
    const path = scene.versionPath({ ...planted, token: planted.token + 1n });
    await writeFile(path, '{}', { mode: 0o600 });
    await chown(path, 0, 0);
    process.seteuid!(65_534);
    onTestFinished(() => process.seteuid!(0));
    expect((await scene.read()).lease?.record.holder).toContain('unreadable');
  });
});

describe('in the place where numbering begins', () => {
  for (const [what, plant] of Object.entries({
    ...traps,
    'a number that leaves none': (path: string) => writeFile(path, '9007199254740991'),
    'a number that no version can have': (path: string) => writeFile(path, '9999999999999999'),
  }) as Array<[string, (path: string, scene: FileScene) => Promise<unknown>]>) {
    if (what === 'a link to a version that reads well') continue;
    it.skipIf(process.platform === 'win32')(`${what} is put away`, async () => {
      const scene = await FileScene.set();
      await mkdir(scene.path, { recursive: true });
      await plant(join(scene.path, 'origin'), scene);
      const before = BigInt(Date.now()) * 1_000n;
      const seen = await scene.read();
      expect(seen).toMatchObject({ lease: null });
      expect(seen.token).toBeGreaterThanOrEqual(before);
      expect(seen.token).toBeLessThan(before + 60_000_000n);
      expect((await scene.write('a')).token).toBe(seen.token + 1n);
    });
  }
});

describe('a number far in the future', () => {
  it('that leaves none behind it is put away, and told', async () => {
    const scene = await FileScene.set();
    const before = await scene.write('a');
    await writeFile(join(scene.path, name(9_007_199_254_740_991n)), '');
    await mkdir(join(scene.path, name(9_007_199_254_740_990n)));
    expect(await scene.read()).toMatchObject({ token: before.token, lease: { record: { holder: 'a' } } });
    expect(warnings).toHaveBeenCalledTimes(2);
    expect(warnings.mock.calls[0]?.[0]).toContain('9007199254740991');
    expect((await scene.write('b')).token).toBe(before.token + 1n);
  });

  it('that leaves enough is followed, also where it lies beyond all that a hand may make up', async () => {
    const scene = await FileScene.set();
    await scene.write('a');
    const farthest = 8_000_000_000_000_000n;
    await writeFile(join(scene.path, name(farthest)), '');
    expect((await scene.write('b')).token).toBe(farthest + 1n);
    expect((await scene.read()).lease?.record.holder).toBe('b');
    expect((await scene.write('c')).token).toBe(farthest + 2n);
  });
});

describe('a directory full of other files', () => {
  const crowd = (scene: FileScene, count: number, of: (index: number) => string) =>
    execFileSync('sh', ['-c', 'cd "$0" && xargs -n 500 touch', scene.path], {
      input: Array.from({ length: count }, (_, index) => of(index)).join(' '),
    });

  it('is worked in all the same, and told of once', async () => {
    const scene = await FileScene.set();
    const before = await scene.write('a');
    crowd(scene, 5_500, (index) => `stranger-${index}`);
    expect((await scene.read()).token).toBe(before.token);
    for (let i = 0; i < 20; i++) await scene.write('b');
    expect((await scene.read()).token).toBe(before.token + 20n);
    expect((await scene.open().read(scene.signal)).token).toBe(before.token + 20n);
    expect(warnings).toHaveBeenCalledTimes(2);
    expect(warnings.mock.calls[0]?.[0]).toContain('thousands of files');
  });

  it('that look like old versions is cleaned bit by bit, the lowest first', async () => {
    const scene = await FileScene.set();
    const before = await scene.write('a');
    crowd(scene, 5_500, (index) => name(BigInt(index + 1)));
    expect((await scene.write('b')).token).toBe(before.token + 1n);
    const left = (await readdir(scene.path)).filter((entry) => entry.endsWith('.json')).toSorted();
    expect(left).toHaveLength(5_500 + 2 - 500);
    expect(left[0]).toBe(name(501n));
  });
});
