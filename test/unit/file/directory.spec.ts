import { chmod, chown, mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileLease, LeaderElectionConfigError } from 'nestjs-leader';
import { defaultDirectory, refuseNetwork, segment } from '../../../lib/stores/file/location.js';
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
    if (root) await chown(directory, 65_534, 65_534);
    await chmod(directory, 0o755);
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
    const ofUser = dirname(store.directory);
    await prepare(ofUser);
    const error = await store
      .open(FileScene.lease)
      .read(scene.signal)
      .then(
        () => null,
        (thrown: unknown) => thrown,
      );
    return { store, ofUser, scene, error };
  };

  it('lies in the temporary one, for this user alone', async () => {
    const { ofUser, scene, error } = await inTemporary(async () => {});
    expect(error).toBeNull();
    expect(ofUser).toBe(join(scene.directory, `nestjs-leader-${process.getuid?.()}`));
    expect((await stat(ofUser)).mode & 0o777).toBe(0o700);
  });

  it('is another one for each application of a developer, named after the package that its program is of', async () => {
    const { directory } = await FileScene.set();
    const write = async (path: string, text: string) => {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    };
    await write('shop/package.json', '{ "name": "@acme/shop" }');
    // What marks a folder of another module format, and what npm would refuse, name nothing.
    await write('shop/dist/package.json', '{ "type": "module" }');
    await write('shop/dist/broken/package.json', '{');
    await write('blog/package.json', '{ "name": "blog" }');
    const folderOf = (entry: string) => defaultDirectory(join(directory, entry)).ofApplication;
    expect(folderOf('shop/dist/main.js')).toBe(folderOf('shop/dist/broken/worker.js'));
    expect(basename(folderOf('shop/dist/main.js'))).toMatch(/^-?acme-shop~/);
    expect(basename(folderOf('blog/main.js'))).toBe('blog');
    expect(basename(defaultDirectory('/main.js').ofApplication)).toBe('application');
  });

  it('is refused when others can get at it', async () => {
    const { error } = await inTemporary(async (path) => {
      await mkdir(path);
      await chmod(path, 0o777);
    });
    expect(error).toMatchObject({ code: 'STORE_FORBIDDEN', advice: expect.stringContaining('0700') });
  });

  it('is refused when it leads somewhere else', async () => {
    const { error, ofUser } = await inTemporary(async (path) => {
      await mkdir(`${path}-trap`, { mode: 0o700 });
      await symlink(`${path}-trap`, path);
    });
    expect(error).toMatchObject({ code: 'STORE_FORBIDDEN' });
    expect(await readdir(`${ofUser}-trap`)).toEqual([]);
  });
});

describe('a directory that is named', () => {
  /** What `read` meets in a directory, and in the folders of the lease below it, that somebody has prepared. */
  async function read(prepare: (paths: { directory: string; folder: string; lease: string }) => Promise<unknown>) {
    const scene = await FileScene.set();
    const directory = join(scene.directory, 'named');
    const folder = join(directory, 'default');
    const lease = join(folder, FileScene.lease.name);
    await mkdir(directory, { mode: 0o755 });
    await prepare({ directory, folder, lease });
    const handle = fileLease({ directory }).open(FileScene.lease);
    const error: unknown = await handle.read(scene.signal).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return { error, handle, scene, directory, folder, lease };
  }
  const forbidden = (path: string, message: string, advice: string) => ({
    code: 'STORE_FORBIDDEN',
    message: expect.stringContaining(`${path} ${message}`),
    advice: expect.stringContaining(`${advice} ${path}`),
  });

  for (const mode of [0o777, 0o775, 0o757, 0o2775]) {
    it(`is refused by name where others may write to it (mode ${mode.toString(8)}), until they may not`, async () => {
      const { error, handle, scene, directory } = await read(({ directory }) => chmod(directory, mode));
      expect(error).toMatchObject(forbidden(directory, 'may be written by other users', 'chmod go-w'));
      await chmod(directory, 0o755);
      expect((await handle.read(scene.signal)).lease).toBeNull();
    });
  }

  it('may be one like /tmp, where nobody can remove what is ours', async () => {
    expect((await read(({ directory }) => chmod(directory, 0o1777))).error).toBeNull();
  });

  it('is refused where a folder of the lease may be written by others, in one like /tmp too', async () => {
    const { error, lease } = await read(async ({ directory, lease }) => {
      await mkdir(lease, { recursive: true });
      await chmod(lease, 0o1777);
      await chmod(directory, 0o1777);
    });
    expect(error).toMatchObject(forbidden(lease, 'may be written by other users', 'chmod go-w'));
  });

  it.runIf(root)('is refused where it, or a folder of the lease, belongs to somebody else', async () => {
    const named = await read(({ directory }) => chown(directory, 65_534, 65_534));
    expect(named.error).toMatchObject(forbidden(named.directory, 'belongs to another user', 'chown 0'));
    const below = await read(async ({ directory, folder }) => {
      await mkdir(folder);
      await chown(folder, 65_534, 65_534);
      await chmod(directory, 0o1777);
    });
    expect(below.error).toMatchObject(forbidden(below.folder, 'belongs to another user', 'chown 0'));
  });

  it('is refused where a folder of the lease is a link, which may lead anywhere', async () => {
    const { error, lease, directory } = await read(async ({ directory, folder, lease }) => {
      await mkdir(folder);
      await mkdir(join(directory, 'elsewhere'));
      await symlink(join(directory, 'elsewhere'), lease);
    });
    expect(error).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(`${lease} is not a directory`),
    });
    expect(await readdir(join(directory, 'elsewhere'))).toEqual([]);
  });

  it('may itself be a link of the administrator', async () => {
    const { error } = await read(async ({ directory }) => {
      await rename(directory, `${directory}-there`);
      await symlink(`${directory}-there`, directory);
    });
    expect(error).toBeNull();
  });

  it('gets folders that a group cannot write to, whatever the umask', async () => {
    const umask = process.umask(0o002);
    onTestFinished(() => void process.umask(umask));
    const { error, folder, lease } = await read(async () => {});
    expect(error).toBeNull();
    for (const path of [folder, lease]) expect((await stat(path)).mode & 0o777).toBe(0o755);
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
