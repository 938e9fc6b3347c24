import { join, resolve } from 'node:path';
import { LeaderElectionConfigError } from '../../election/errors.js';
import type { LeaseHandle, LeaseStore } from '../../election/lease-store.js';
import { FileHandle } from './file-handle.js';
import { defaultDirectory, prepareDirectory, segment } from './location.js';
import { ownIdentity } from './process-identity.js';

/** Of {@link fileLease}. */
export interface FileLeaseOptions {
  /** Where the leases lie, on a local disk; made if missing. Default: a folder of this user under the system's temporary one. */
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
  private readonly isDefault: boolean;

  constructor({ directory }: FileLeaseOptions = {}) {
    if (directory !== undefined && (typeof directory !== 'string' || directory === '')) {
      throw new LeaderElectionConfigError(
        `The directory of the file store must be a path, not ${JSON.stringify(directory)}.`,
        'Leave it out for a folder of this user under the temporary one.',
      );
    }
    this.isDefault = directory === undefined;
    // Resolved now: a process may change its working directory later.
    this.directory = resolve(directory ?? defaultDirectory());
  }

  open({ name, namespace = 'default' }: { name: string; namespace?: string }): LeaseHandle {
    const path = join(this.directory, segment(namespace), segment(name));
    return new FileHandle(path, () => prepareDirectory(this.directory, this.isDefault), ownIdentity());
  }
}

/** @see FileLeaseStore */
export function fileLease(options?: FileLeaseOptions): FileLeaseStore {
  return new FileLeaseStore(options);
}
