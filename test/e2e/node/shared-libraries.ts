import { spawnSync } from 'node:child_process';

/** What the loader would map for a program, and the loader itself; nothing for one that is linked statically. */
export function sharedLibraries(binary: string): string[] {
  const { stdout } = spawnSync('ldd', [binary], { encoding: 'utf8' });
  // "libm.so.6 => /lib/…/libm.so.6 (0x…)", and without an arrow the loader; linux-vdso has no file.
  return [...stdout.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map((match) => match[1]!);
}
