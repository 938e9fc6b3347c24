import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'nestjs-leader-cron-';

/** Where one run keeps its lease and its work log: a folder of its own, so that two runs at once never meet. */
export class RunFolder {
  readonly path: string;
  readonly leases: string;
  readonly workLog: string;

  constructor() {
    sweep();
    this.path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    this.leases = join(this.path, 'leases');
    this.workLog = join(this.path, 'work.log');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A supervisor that was killed by SIGKILL could not tidy up: the next one does. */
function sweep(): void {
  for (const entry of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(entry)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(join(tmpdir(), entry), { recursive: true, force: true });
    } catch {
      // Another user's: theirs to remove.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
