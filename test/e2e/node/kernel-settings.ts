import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** What every kubelet sets on its machine, and this one must give back: above all, that a fault of the kernel restarts it. */
const FILES = [
  '/proc/sys/vm/overcommit_memory',
  '/proc/sys/vm/panic_on_oom',
  '/proc/sys/kernel/panic',
  '/proc/sys/kernel/panic_on_oops',
  '/proc/sys/kernel/keys/root_maxkeys',
  '/proc/sys/kernel/keys/root_maxbytes',
];

/** The settings of the kernel as they were when this was made. */
export class KernelSettings {
  private readonly before = FILES.filter((file) => existsSync(file)).map((file) => [file, read(file)] as const);

  restore(): void {
    for (const [file, value] of this.before) if (read(file) !== value) writeFileSync(file, value);
  }
}

function read(file: string): string {
  return readFileSync(file, 'utf8');
}
