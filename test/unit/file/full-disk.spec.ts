import { readdir } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileScene, recordOf } from './scene.js';

const disk = { full: false };

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  return {
    ...fs,
    // A full disk still has room for names.
    open: async (...args: Parameters<typeof fs.open>) => {
      const file = await fs.open(...args);
      if (disk.full)
        file.writeFile = () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));

      return file;
    },
  };
});

afterEach(() => void (disk.full = false));

describe('on a disk that is full', () => {
  it('a write is rejected and leaves nothing behind', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    const before = await readdir(scene.path);
    disk.full = true;
    expect(await scene.handle.replace(seen, recordOf('a'), scene.signal)).toMatchObject({
      kind: 'rejected',
      cause: { code: 'STORE_FAILED', message: expect.stringContaining('full') },
    });
    expect(await readdir(scene.path)).toEqual(before);
    disk.full = false;
    expect((await scene.write('a')).token).toBe(seen.token + 1n);
  });

  it('so does the first look at a lease that nobody has held', async () => {
    const scene = await FileScene.set();
    disk.full = true;
    await expect(scene.read()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await readdir(scene.path)).toEqual([]);
  });
});
