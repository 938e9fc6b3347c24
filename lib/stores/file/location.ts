import { createHash } from 'node:crypto';
import { readFileSync, type Stats } from 'node:fs';
import { lstat, mkdir, stat, statfs } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { LeaseStoreError } from '../../election/errors.js';
import { quoted } from '../../election/report/quoted.js';
import { errnoOf } from './errors.js';

/** The folder of this user under the system's temporary one, out of reach of other users, and in it the one of this application. */
export function defaultDirectory(entry = process.argv[1]): { ofUser: string; ofApplication: string } {
  const ofUser = join(tmpdir(), `nestjs-leader-${process.getuid?.() ?? userInfo().username}`);
  return { ofUser, ofApplication: join(ofUser, segment(packageName(entry) ?? 'application')) };
}

/**
 * The name in the nearest package.json above the program: two applications on one developer's machine have a leader each, although both
 * call their lease after the same example.
 */
function packageName(entry: string | undefined): string | undefined {
  if (entry === undefined) return undefined;
  for (let folder = dirname(resolve(entry)); ; folder = dirname(folder)) {
    const name = nameIn(join(folder, 'package.json'));
    if (name !== undefined || dirname(folder) === folder) return name;
  }
}

/** One without a name marks a folder of another module format, as `dist` may have. */
function nameIn(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    // There is none, or it is none that npm could read either: the next one above tells.
    return undefined;
  }
}

/**
 * Makes a directory fit for leases, with the folders of one `below` it, or says why it is not.
 * A temporary folder is open to all: one that stands there under our name but is not ours alone could be a trap of another user. One
 * that somebody names may be seen by others, but whoever can write to it could stop the election, or win it.
 */
export async function prepareDirectory(directory: string, onlyOurs: boolean, below: readonly string[]): Promise<void> {
  if (onlyOurs) {
    await make(directory, 0o700);
    // Not followed: a link would lead us to where another user wants us.
    const stats = await lstat(directory);
    const ours = process.getuid === undefined || (stats.uid === process.getuid() && (stats.mode & 0o077) === 0);
    if (!stats.isDirectory() || !ours) {
      throw new LeaseStoreError('STORE_FORBIDDEN', `${directory} is not a directory of this user alone.`, {
        advice: 'Remove it, or make it yours with mode 0700, or name a directory: fileLease({ directory }).',
      });
    }
  } else {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    const stats = await stat(directory);
    // Where only owners may remove things, as in /tmp, what we make there is safe; what another has made is found below.
    refuseOthers(directory, stats, (stats.mode & 0o1000) !== 0);
  }
  if (process.platform === 'linux') refuseNetwork((await statfs(directory)).type, directory);
  for (const folder of below) {
    // Whatever the umask: else a group that shares it could write to what we then would refuse.
    await make(folder, 0o755);
    const stats = await lstat(folder);
    if (!stats.isDirectory()) {
      throw new LeaseStoreError('STORE_FAILED', `${folder} is not a directory, but something else or a link.`, {
        advice: 'Move it away, or name another directory: fileLease({ directory }).',
      });
    }
    refuseOthers(folder, stats, false);
  }
}

async function make(directory: string, mode: number): Promise<void> {
  await mkdir(directory, { mode }).catch((error: unknown) => {
    // Another replica was first; whose it is, is checked afterwards.
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
}

/** @throws LeaseStoreError when somebody else than this user and the superuser may write to it */
function refuseOthers(directory: string, { uid, mode }: Stats, mayBeShared: boolean): void {
  // Windows: it keeps access lists instead.
  const self = process.geteuid?.();
  if (self === undefined) return;
  const named = quoted(directory);
  if (uid !== self && uid !== 0) {
    throw new LeaseStoreError(
      'STORE_FORBIDDEN',
      `The lease directory ${named} belongs to another user (uid ${uid}, and this process runs as ${self}): whoever may write to it could stop the election, or win it.`,
      { advice: `chown ${self} ${named}, or name a directory of this user, in there too: fileLease({ directory }).` },
    );
  }
  if ((mode & 0o022) !== 0 && !mayBeShared) {
    const octal = (mode & 0o7777).toString(8).padStart(4, '0');
    throw new LeaseStoreError(
      'STORE_FORBIDDEN',
      `The lease directory ${named} may be written by other users (mode ${octal}): whoever may could stop the election, or win it.`,
      {
        advice: `chmod go-w ${named}, or name a directory of this user alone, in there too: fileLease({ directory }).`,
      },
    );
  }
}

/** @throws LeaseStoreError when files of this type of file system may be looked at, and changed, from another machine */
export function refuseNetwork(type: number, directory: string): void {
  const fileSystem = NETWORK_FILE_SYSTEMS.get(type);
  if (!fileSystem) return;
  throw new LeaseStoreError(
    'STORE_FAILED',
    `The lease directory ${directory} lies on ${fileSystem}: links and listings of a network file system are cached, so two leaders could come of it.`,
    {
      advice:
        'Name a directory on a local disk, fileLease({ directory }), or use a store that is made for several machines.',
    },
  );
}

/** Magic numbers of statfs(2). FUSE is not among them: rootless containers run on it. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x786f4256, 'a VirtualBox share'],
  [0xbacbacbc, 'a VMware share'],
]);

/** A name as one path segment, also where file names know no case. Plain ones stay as they are, so that people find them. */
export function segment(name: string): string {
  if (/^[a-z0-9][a-z0-9.-]{0,99}$/.test(name)) return name;
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40);
  return `${readable}~${createHash('sha256').update(name).digest('hex').slice(0, 20)}`;
}
