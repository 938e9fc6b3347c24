import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './errors.js';

const DRAFT = '.draft-';

/** Writes a file that nobody looks at yet. `durable`: its content survives a power failure. */
export async function draft(directory: string, text: string, durable: boolean): Promise<string> {
  const path = join(directory, `${DRAFT}${randomUUID()}`);
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(text);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // A full disk refuses the text, not the name: each attempt would leave one more file.
    await remove(path).catch(() => {
      // What failed first is what to tell; a draft that stays goes with pruning.
    });
    throw error;
  }
  return path;
}

/** Far more than a lease ever is. */
const MOST_BYTES = 65_536;
/** Windows has neither, nor FIFOs. */
const WITHOUT_TRAPS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Of opening a link (under two names), a socket, a device without a driver, a folder, or what is not ours to read. */
const NOT_READABLE: ReadonlySet<string | undefined> = new Set([
  'ELOOP',
  'EMLINK',
  'ENXIO',
  'ENODEV',
  'EISDIR',
  'EACCES',
  'EPERM',
]);

/**
 * The text of a small plain file; empty for anything else that stands there, as no lease is. `undefined` where nothing does.
 * Nobody else should be able to put something there, but it has happened: a FIFO blocks a thread forever, a link to /dev/zero takes
 * all memory.
 */
export async function readText(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, WITHOUT_TRAPS);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return undefined;
    if (NOT_READABLE.has(errno)) return '';
    throw error;
  }
  try {
    const stats = await file.stat();
    return stats.isFile() && stats.size <= MOST_BYTES ? await readWhole(file, stats.size) : '';
  } finally {
    await file.close();
  }
}

async function readWhole(file: FileHandle, size: number): Promise<string> {
  const buffer = Buffer.alloc(size);
  for (let length = 0; length < size;) {
    const { bytesRead } = await file.read(buffer, length, size - length, length);
    if (bytesRead === 0) return '';
    length += bytesRead;
  }
  return buffer.toString('utf8');
}

/** Takes away what stands under a name, or at least out of the way: a folder is kept, as nobody knows what is in it. */
export async function discard(path: string): Promise<void> {
  try {
    await remove(path);
  } catch (error) {
    if (errnoOf(error) !== 'EISDIR' && errnoOf(error) !== 'EPERM') throw error;
    await rename(path, join(dirname(path), `unreadable-${basename(path)}-${randomUUID()}`)).catch(ifMissing(undefined));
  }
}

export function isDraft(name: string): boolean {
  return name.startsWith(DRAFT);
}

/** Lets the names in a directory survive a power failure. */
export async function syncNames(directory: string): Promise<void> {
  // Windows cannot open directories; NTFS journals names by itself.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Numbers begin with the microseconds of the wall clock: these are those of the year 2223. What a hand has put beyond is not followed
 * if it is no lease, or there would soon be no number left.
 */
export const FARTHEST = 8_000_000_000_000_000;

/** Sixteen digits hold every safe integer, and sort as numbers do. */
export function versionName(number: number): string {
  return `${String(number).padStart(16, '0')}.json`;
}

export function versionNumber(name: string): number | undefined {
  const number = /^\d{16}\.json$/.test(name) ? Number.parseInt(name, 10) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

export async function remove(path: string): Promise<void> {
  await unlink(path).catch(ifMissing(undefined));
}

/** For a rejection: `value` where the file does not exist, and the error again for every other reason. */
export function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (errnoOf(error) === 'ENOENT') return value;
    throw error;
  };
}
