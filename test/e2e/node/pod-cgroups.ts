import { type Dirent, existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mounts } from './mounts.js';
import { isAlive } from './processes.js';

/**
 * The control groups below which the kubelet makes those of its Pods, under a name of their own. So what is in them is ours to
 * end, and another kubelet of this machine, which would call its own `kubepods`, never hears of us.
 */
export class PodCgroups {
  constructor(readonly name: string) {}

  /** The kubelet wants its root to be there, under each controller (version 1) or in the one tree (version 2). */
  create(): void {
    for (const folder of this.candidates()) mkdirSync(folder, { recursive: true });
  }

  get folders(): string[] {
    return this.candidates().filter((folder) => existsSync(folder));
  }

  /** All that runs in Pods: a process cannot leave the group that it was born into. */
  processes(where: (folder: string) => boolean = () => true): number[] {
    const files = this.folders
      .flatMap(withChildren)
      .filter(where)
      .map((folder) => join(folder, 'cgroup.procs'));
    const pids = files.filter((file) => existsSync(file)).flatMap((file) => read(file).split('\n').filter(Boolean));
    return [...new Set(pids.map(Number))].filter(isAlive);
  }

  async remove(): Promise<void> {
    // A group is busy for a moment yet when its last process has died.
    for (const giveUp = performance.now() + 5_000; this.folders.length > 0; await sleep(50)) {
      for (const folder of this.folders.flatMap(withChildren).toReversed()) {
        try {
          rmdirSync(folder);
        } catch (error) {
          if (performance.now() > giveUp) throw error;
        }
      }
    }
  }

  private candidates(): string[] {
    return mounts()
      .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
      .map(({ point }) => join(point, this.name));
  }
}

/** The folder itself first, then what is below it. */
function withChildren(folder: string): string[] {
  const below = childrenOf(folder).filter((entry) => entry.isDirectory());
  return [folder, ...below.flatMap((entry) => withChildren(join(folder, entry.name)))];
}

function childrenOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    // The runtime removes a container's group while this looks.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Removed since it was listed, or a threaded group, whose processes its parent lists.
    return '';
  }
}
