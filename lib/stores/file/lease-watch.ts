import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Bell } from '../bell.js';
import { errnoOf } from './errors.js';
import { versionNumber } from './files.js';

/** Between looks at the directory itself: notifications do not cross every mount, and some get lost. */
const LOOK_EVERY = 1_000;
/** The same where the system gives no notifications at all (inotify limits reached). */
const LOOK_EVERY_WHEN_BLIND = 100;

/** Rings whenever a version may have come. Rings once too often rather than once too rarely: who hears it looks for itself. */
export class DirectoryWatch {
  /** The directory that was watched is no more; one of the same name may be. */
  ended = false;
  private watcher: FSWatcher | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private changed: number | undefined;

  private constructor(
    private readonly path: string,
    private readonly inode: number,
    private readonly bell: Bell,
  ) {
    const self = basename(path);
    try {
      this.watcher = watch(path, (_event, name) => {
        // Drafts come and go with every write; the directory's own name tells of its removal.
        if (name === self) void this.look();
        else if (!name || versionNumber(name) !== undefined) bell.ring();
      });
      this.watcher.on('error', () => this.goBlind());
    } catch (error) {
      // Out of inotify watches: looking at the directory has to do.
      if (!errnoOf(error)) throw error;
    }
    this.lookLater();
  }

  static async open(path: string, bell: Bell): Promise<DirectoryWatch> {
    // In this order: a directory that is replaced in between is found to have ended.
    const { ino } = await stat(path);
    return new DirectoryWatch(path, ino, bell);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.watcher?.close();
  }

  private goBlind(): void {
    this.watcher?.close();
    this.watcher = undefined;
    this.bell.ring();
  }

  private lookLater(): void {
    clearTimeout(this.timer);
    if (this.closed || this.ended) return;
    this.timer = setTimeout(() => void this.look(), this.watcher ? LOOK_EVERY : LOOK_EVERY_WHEN_BLIND);
  }

  private async look(): Promise<void> {
    const stats = await stat(this.path).catch((error: unknown) => {
      // Whatever keeps us from looking keeps the reader too, who then says what it is.
      if (errnoOf(error)) return undefined;
      throw error;
    });
    this.ended = stats === undefined || stats.ino !== this.inode;
    if (this.ended || stats?.mtimeMs !== this.changed) this.bell.ring();
    this.changed = stats?.mtimeMs;
    this.lookLater();
  }
}
