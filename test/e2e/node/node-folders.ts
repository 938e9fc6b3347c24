import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { unmountBelow } from './mounts.js';

/** Where a node keeps everything, so that ending it is removing two folders. */
export class NodeFolders {
  /** Images, logs, what Pods mount. */
  readonly data = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-leader-node-')));
  /** The path of a socket ends after 107 characters, and containerd's names are 64 of them: no place for a long TMPDIR. */
  readonly sockets = join('/run', basename(this.data));

  constructor() {
    mkdirSync(this.sockets, { mode: 0o700 });
  }

  /** A name that no other run has. */
  get name(): string {
    return basename(this.data);
  }

  /** The logs of containers. */
  get logs(): string {
    return join(this.data, 'pods');
  }

  remove(): void {
    for (const folder of [this.data, this.sockets]) {
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
