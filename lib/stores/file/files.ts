import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './file-errors.js';

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
