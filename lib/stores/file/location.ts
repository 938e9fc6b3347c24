import { createHash } from 'node:crypto';
import { lstat, mkdir, statfs } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { LeaseStoreError } from '../../election/errors.js';
import { errnoOf } from './file-errors.js';

/** Where the leases of this user lie when nobody names a directory: on this machine, out of reach of other users. */
export function defaultDirectory(): string {
  return join(tmpdir(), `nestjs-leader-${process.getuid?.() ?? userInfo().username}`);
}

/**
 * Makes a directory fit for leases, or says why it is not.
 * A temporary folder is open to all: one that stands there under our name but is not ours alone could be a trap of another user.
 */
export async function prepareDirectory(directory: string, onlyOurs: boolean): Promise<void> {
  if (onlyOurs) {
    await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
      // Another replica was first; whose it is, is checked below.
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    // Not followed: a link would lead us to where another user wants us.
    const stats = await lstat(directory);
    const ours = process.getuid === undefined || (stats.uid === process.getuid() && (stats.mode & 0o077) === 0);
    if (!stats.isDirectory() || !ours) {
      throw new LeaseStoreError('STORE_FORBIDDEN', `${directory} is not a directory of this user alone.`, {
        advice: 'Remove it, or make it yours with mode 0700, or name a directory: fileLease({ directory }).',
      });
    }
  } else {
    await mkdir(directory, { recursive: true });
  }
  if (process.platform === 'linux') refuseNetwork((await statfs(directory)).type, directory);
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
