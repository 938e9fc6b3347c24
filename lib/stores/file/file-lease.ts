import { join, resolve } from 'node:path';
import { checkKeys } from '../../election/arguments.js';
import { LeaderElectionConfigError } from '../../election/errors.js';
import type { LeaseHandle, LeaseStore } from '../../election/lease-store.js';
import { FileHandle } from './lease-handle.js';
import { defaultDirectory, prepareDirectory, segment } from './location.js';
import { ownIdentity } from './process-identity.js';

/** Of {@link fileLease}. */
export interface FileLeaseOptions {
  /**
   * Where the leases lie, on a local disk; made if missing. Default: under the system's temporary one a folder
   * of this user, and in it one that is named after the application's package (the nearest package.json above its entry file).
   */
  directory?: string;
}

/**
 * Leases as files, for replicas on one machine. A replica that dies is replaced within fractions of a second, as the system can
 * prove that its process is gone. Containers stand against each other if they share the directory, but wait out the lease of one that died.
 * Not for network file systems: it refuses them. To delete a lease, move its folder away in one piece.
 */
export class FileLeaseStore implements LeaseStore {
  readonly name = 'file';
  /** Absolute path. */
  readonly directory: string;
  /** Without a directory of theirs: the folder that must be this user's alone. */
  private readonly ofUser: string | undefined;

  constructor(options: FileLeaseOptions = {}) {
    checkKeys('fileLease', options, ['directory']);
    const { directory } = options;
    if (directory !== undefined && (typeof directory !== 'string' || directory === '')) {
      throw new LeaderElectionConfigError(
        `The directory of the file store must be a path, not ${JSON.stringify(directory)}.`,
        'Leave it out for a folder of this user under the temporary one.',
      );
    }
    const { ofUser, ofApplication } = defaultDirectory();
    this.ofUser = directory === undefined ? ofUser : undefined;
    // Resolved now: a process may change its working directory later.
    this.directory = resolve(directory ?? ofApplication);
  }

  open({ name, namespace = 'default' }: { name: string; namespace?: string }): LeaseHandle {
    const folder = join(this.directory, segment(namespace));
    const path = join(folder, segment(name));
    const { ofUser, directory } = this;
    const prepare = () =>
      ofUser === undefined
        ? prepareDirectory(directory, false, [folder, path])
        : prepareDirectory(ofUser, true, [directory, folder, path]);
    return new FileHandle(path, prepare, ownIdentity());
  }
}

/** @see FileLeaseStore */
export function fileLease(options?: FileLeaseOptions): FileLeaseStore {
  return new FileLeaseStore(options);
}
