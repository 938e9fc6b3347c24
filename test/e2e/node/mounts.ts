import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Mount {
  point: string;
  type: string;
}

/** All mounts that this process sees, in the order in which they were made. */
export function mounts(): Mount[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [before = '', after = ''] = line.split(' - ');
    return { point: unescape(before.split(' ')[4] ?? ''), type: after.split(' ')[0] ?? '' };
  });
}

export function mountsBelow(directory: string): string[] {
  return mounts()
    .map(({ point }) => point)
    .filter((point) => point.startsWith(`${directory}/`));
}

/** @throws Error if something is still mounted there afterwards */
export function unmountBelow(directory: string): void {
  // Last made, first undone. Lazily where something still holds it: what follows deletes files, and must not reach into a mount.
  for (const point of mountsBelow(directory).toReversed())
    if (spawnSync('umount', [point]).status !== 0) spawnSync('umount', ['--lazy', point]);
  const left = mountsBelow(directory);
  if (left.length > 0) throw new Error(`Still mounted: ${left.join(', ')}`);
}

/** The kernel writes spaces and the like as octal numbers. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
