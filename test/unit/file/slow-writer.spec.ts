import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FileScene, recordOf } from './scene.js';

/** What happens in the rest of the world right before the next call. */
const meanwhile: { link?: (from: string) => unknown; readdir?: () => unknown } = {};

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  return {
    ...fs,
    link: async (from: string, to: string) => {
      const event = meanwhile.link;
      delete meanwhile.link;
      await event?.(from);
      await fs.link(from, to);
      meanwhile.readdir = afterLink;
      afterLink = undefined;
    },
    readdir: async (path: string) => {
      const event = meanwhile.readdir;
      delete meanwhile.readdir;
      await event?.();
      return fs.readdir(path);
    },
  };
});

let afterLink: (() => unknown) | undefined;

beforeEach(() => {
  delete meanwhile.link;
  delete meanwhile.readdir;
  afterLink = undefined;
});

describe('a writer that is paused just before its version gets its name', { timeout: 60_000 }, () => {
  it('never wins with a number that was used and pruned meanwhile', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    meanwhile.link = () => scene.writeElsewhere(40);
    const outcome = await scene.handle.replace(seen, recordOf('slow'), scene.signal);
    expect(outcome.kind).toBe('unknown');
    const now = await scene.read();
    expect(now.token).toBe(seen.token + 40n);
    expect(now.lease?.record.holder).toMatch(/^process-/);
    expect(await scene.open().read(scene.signal)).toMatchObject({ token: now.token });
  });

  it('leaves no trace of that number once others have written on', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    meanwhile.link = () => scene.writeElsewhere(40);
    await scene.handle.replace(seen, recordOf('slow'), scene.signal);
    await scene.write('b');
    expect(await readdir(scene.path)).not.toContain(scene.versionPath({ ...seen, token: seen.token + 1n }));
  });

  it('meets a conflict while the number is still there', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    meanwhile.link = () => scene.writeElsewhere(1);
    expect(await scene.handle.replace(seen, recordOf('slow'), scene.signal)).toEqual({ kind: 'conflict' });
  });

  it('does not create a lease that others have created, used and pruned meanwhile', async () => {
    const scene = await FileScene.set();
    const absent = await scene.read();
    meanwhile.link = () => scene.writeElsewhere(40);
    expect((await scene.handle.replace(absent, recordOf('slow'), scene.signal)).kind).toBe('unknown');
    expect((await scene.read()).token).toBe(absent.token + 40n);
  });

  it('does not bring a deleted lease back', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    meanwhile.link = () => rename(scene.path, join(scene.directory, 'moved-away'));
    expect(await scene.handle.replace(seen, recordOf('slow'), scene.signal)).toEqual({ kind: 'conflict' });
    expect((await scene.read()).lease).toBeNull();
  });
});

describe('a writer that is overtaken right after its version got its name', { timeout: 60_000 }, () => {
  it('has written: others built on it', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    afterLink = () => scene.writeElsewhere(3);
    const outcome = await scene.handle.replace(seen, recordOf('quick'), scene.signal);
    expect(outcome).toMatchObject({
      kind: 'applied',
      snapshot: { token: seen.token + 1n, lease: { record: { holder: 'quick' } } },
    });
    expect((await scene.read()).token).toBe(seen.token + 4n);
  });

  it('has created the lease, also when its creation is pruned by now', async () => {
    const scene = await FileScene.set();
    const absent = await scene.read();
    afterLink = () => scene.writeElsewhere(40);
    const outcome = await scene.handle.replace(absent, recordOf('quick'), scene.signal);
    expect(outcome).toMatchObject({ kind: 'applied', snapshot: { token: absent.token + 1n } });
  });

  it('cannot tell when so many followed that what it built on is pruned', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    afterLink = () => scene.writeElsewhere(40);
    expect((await scene.handle.replace(seen, recordOf('quick'), scene.signal)).kind).toBe('unknown');
  });
});
