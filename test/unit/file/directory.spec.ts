import { chmod, mkdir, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileLease, LeaderElectionConfigError } from 'nestjs-leader';
import { refuseNetwork, segment } from '../../../lib/stores/file/location.js';
import { FileScene, recordOf } from './scene.js';

const root = process.getuid?.() === 0;

/** Runs as a user to whom permissions apply: they do not to the superuser. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (root) process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    if (root) process.seteuid!(0);
  }
}

describe('a directory that cannot be written', () => {
  it('is an error that says which and what to do, and the store works as soon as it is mended', async () => {
    const scene = await FileScene.set();
    const directory = join(scene.directory, 'shared');
    await mkdir(directory);
    await chmod(scene.directory, 0o755);
    await chmod(directory, 0o555);
    const handle = fileLease({ directory }).open(FileScene.lease);
    const error: unknown = await asNobody(() => handle.read(scene.signal).catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'STORE_FORBIDDEN', message: expect.stringContaining(directory) });
    expect(error).toMatchObject({ advice: expect.stringContaining('fileLease({ directory })') });
    await chmod(directory, 0o777);
    expect((await asNobody(() => handle.read(scene.signal))).lease).toBeNull();
  });

  it('later on refuses writes with certainty and leaves the lease readable', async () => {
    const scene = await FileScene.set();
    await chmod(scene.directory, 0o755);
    const seen = await scene.write('a');
    await chmod(scene.path, 0o555);
    // Who is not root could not tidy up otherwise.
    onTestFinished(() => chmod(scene.path, 0o755));
    const outcome = await asNobody(() => scene.handle.replace(seen, recordOf('b'), scene.signal));
    expect(outcome).toMatchObject({ kind: 'rejected', cause: { code: 'STORE_FORBIDDEN' } });
    expect(await asNobody(() => scene.read())).toMatchObject({ token: seen.token });
  });
});

describe('the default directory', () => {
  afterEach(() => vi.unstubAllEnvs());

  const inTemporary = async (prepare: (path: string) => Promise<unknown>) => {
    const scene = await FileScene.set();
    vi.stubEnv('TMPDIR', scene.directory);
    const store = fileLease();
    await prepare(store.directory);
    const error = await store
      .open(FileScene.lease)
      .read(scene.signal)
      .then(
        () => null,
        (thrown: unknown) => thrown,
      );
    return { store, scene, error };
  };

  it('lies in the temporary one, for this user alone', async () => {
    const { store, scene, error } = await inTemporary(async () => {});
    expect(error).toBeNull();
    expect(store.directory).toBe(join(scene.directory, `nestjs-leader-${process.getuid?.()}`));
    expect((await stat(store.directory)).mode & 0o777).toBe(0o700);
  });

  it('is refused when others can get at it', async () => {
    const { error } = await inTemporary(async (path) => {
      await mkdir(path);
      await chmod(path, 0o777);
    });
    expect(error).toMatchObject({ code: 'STORE_FORBIDDEN', advice: expect.stringContaining('0700') });
  });

  it('is refused when it leads somewhere else', async () => {
    const { error, store } = await inTemporary(async (path) => {
      await mkdir(`${path}-trap`, { mode: 0o700 });
      await symlink(`${path}-trap`, path);
    });
    expect(error).toMatchObject({ code: 'STORE_FORBIDDEN' });
    expect(await readdir(`${store.directory}-trap`)).toEqual([]);
  });
});

describe('where a lease lies', () => {
  it('is a folder of its own below the directory, whatever the lease is called', () => {
    expect(segment('orders-worker.v2')).toBe('orders-worker.v2');
    const odd = ['../../etc', '..', '.', '', 'a/b', 'a\\b', 'Orders', 'orders~x', 'é', 'x'.repeat(300)];
    const segments = odd.map(segment);
    expect(new Set([...segments, 'orders']).size).toBe(odd.length + 1);
    for (const name of segments) expect(name).toMatch(/^[a-z0-9-]*~[0-9a-f]{20}$/);
  });

  it('must not be a network file system', () => {
    expect(() => refuseNetwork(0x6969, '/srv')).toThrow(/\/srv lies on NFS/);
    expect(() => refuseNetwork(0xff534d42, '/srv')).toThrow(/CIFS/);
    // ext4, tmpfs, overlay
    for (const local of [0xef53, 0x01021994, 0x794c7630]) expect(() => refuseNetwork(local, '/srv')).not.toThrow();
  });

  it('must be a path', () => {
    expect(() => fileLease({ directory: '' })).toThrow(LeaderElectionConfigError);
    expect(() => fileLease({ directory: 7 as unknown as string })).toThrow(LeaderElectionConfigError);
  });
});
