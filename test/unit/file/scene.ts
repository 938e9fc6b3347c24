import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fileLease, type LeaseHandle, type LeaseRecord, type Snapshot } from 'nestjs-leader';
import { onTestFinished } from 'vitest';

/** Runs the built package: `npm test` builds it first. */
const PROCESS = fileURLToPath(new URL('process.mjs', import.meta.url));

/** A lease in a directory of its own, removed when the test is over, and processes that stand for it. */
export class FileScene {
  static readonly lease = { name: 'orders' };
  readonly signal = AbortSignal.timeout(60_000);
  readonly handle: LeaseHandle;

  private constructor(readonly directory: string) {
    this.handle = this.open();
  }

  static async set(): Promise<FileScene> {
    const directory = await mkdtemp(join(tmpdir(), 'lease-file-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    return new FileScene(directory);
  }

  /** Where the versions lie. */
  get path(): string {
    return join(this.directory, 'default', FileScene.lease.name);
  }

  open(): LeaseHandle {
    return fileLease({ directory: this.directory }).open(FileScene.lease);
  }

  read(): Promise<Snapshot> {
    return this.handle.read(this.signal);
  }

  /** Writes on what is there now. */
  async write(holder: string | null, handle = this.handle): Promise<Snapshot> {
    const outcome = await handle.replace(await handle.read(this.signal), recordOf(holder), this.signal);
    if (outcome.kind !== 'applied') throw new Error(`a write was answered ${outcome.kind}`);
    return outcome.snapshot;
  }

  async newestText(): Promise<string> {
    return readFile(this.versionPath(await this.read()), 'utf8');
  }

  versionPath({ token }: Snapshot): string {
    return join(this.path, `${String(token).padStart(16, '0')}.json`);
  }

  /** A process that holds the lease until it is killed. Resolves once it does. `wrap`: a command line to run it under. */
  async holder(...wrap: string[]): Promise<ChildProcess> {
    const [command, ...args] = [...wrap, process.execPath, PROCESS, 'hold', this.directory];
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the holder exited with ${code}`)));
    });
    return child;
  }

  /** Another process writes `count` versions, all while this one stands still. */
  writeElsewhere(count: number): void {
    execFileSync(process.execPath, [PROCESS, 'write', this.directory, String(count)]);
  }

  /** Runs a process to its end, however violent, and gives what it printed. */
  async run(mode: string, ...args: string[]): Promise<{ killed: boolean; lines: unknown[] }> {
    const done = await promisify(execFile)(process.execPath, [PROCESS, mode, this.directory, ...args]).then(
      ({ stdout }) => ({ killed: false, stdout }),
      (error: { signal?: string; stdout: string; message: string }) => {
        if (error.signal !== 'SIGKILL') throw new Error(error.message);
        return { killed: true, stdout: error.stdout };
      },
    );
    const lines = done.stdout.split('\n').filter(Boolean);
    return { killed: done.killed, lines: lines.map((line) => JSON.parse(line) as unknown) };
  }
}

export function recordOf(holder: string | null, more: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    holder,
    duration: 15_000,
    acquiredAt: 1,
    renewedAt: 1,
    transitions: 0,
    term: 'term',
    writeId: randomUUID(),
    ...more,
  };
}

export async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}
