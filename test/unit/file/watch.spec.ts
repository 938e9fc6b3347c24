import { rename, rm, stat } from 'node:fs/promises';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FileScene } from './scene.js';

const notifications = vi.hoisted(() => ({ watch: undefined as undefined | (() => EventEmitter) }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    watch: (...args: Parameters<typeof fs.watch>) => notifications.watch?.() ?? fs.watch(...args),
  };
});

beforeEach(() => {
  notifications.watch = undefined;
});

const deaf = () => Object.assign(new EventEmitter(), { close: () => {} });

describe('a watch of files', { timeout: 30_000 }, () => {
  const open = async (scene: FileScene, signal = scene.signal) => {
    const watch = scene.handle.watch!(signal)[Symbol.asyncIterator]();
    await watch.next();
    return watch;
  };

  it('hears of a write although no notification arrives', async () => {
    notifications.watch = deaf;
    const scene = await FileScene.set();
    const watch = await open(scene);
    const written = await scene.write('a');
    expect((await watch.next()).value?.token).toBe(written.token);
    const later = await scene.write('a');
    expect((await watch.next()).value?.token).toBe(later.token);
  });

  it('hears of a write although the system has no notifications left', async () => {
    notifications.watch = () => {
      throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
    };
    const scene = await FileScene.set();
    const watch = await open(scene);
    const written = await scene.write('a');
    expect((await watch.next()).value?.token).toBe(written.token);
  });

  it('survives notifications that break off', async () => {
    const broken = deaf();
    notifications.watch = () => broken;
    const scene = await FileScene.set();
    const watch = await open(scene);
    broken.emit('error', new Error('inotify overflow'));
    const written = await scene.write('a');
    expect((await watch.next()).value?.token).toBe(written.token);
  });

  it('shows a removed directory as an absent lease with a greater token, then ends', async () => {
    const scene = await FileScene.set();
    const before = await scene.write('a');
    const watch = await open(scene);
    await rename(scene.path, join(scene.directory, 'moved-away'));
    const { value } = await watch.next();
    expect(value?.lease).toBeNull();
    expect(value?.token).toBeGreaterThan(before.token);
    expect((await watch.next()).done).toBe(true);
  });

  it('of a lease whose parent folders vanish makes them anew', async () => {
    const scene = await FileScene.set();
    const watch = await open(scene);
    await rename(scene.directory, `${scene.directory}-away`);
    expect((await watch.next()).value?.lease).toBeNull();
    expect((await stat(scene.path)).isDirectory()).toBe(true);
    await rm(`${scene.directory}-away`, { recursive: true });
  });

  it('lets go of the directory when its signal aborts, also while nobody asks it for more', async () => {
    const close = vi.fn();
    notifications.watch = () => Object.assign(new EventEmitter(), { close });
    const scene = await FileScene.set();
    const abort = new AbortController();
    await open(scene, abort.signal);
    abort.abort();
    expect(close).toHaveBeenCalled();
  });
});
