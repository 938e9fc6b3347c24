import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fileLease, type LeaseRecord } from 'nestjs-leader';
import { expect, onTestFinished } from 'vitest';

/** Longer than a starved machine takes to start a process; nothing waits for it that goes well. */
const PATIENCE = { timeout: 60_000 };

export interface Behaviour {
  directory: string;
  leaseDuration?: number;
  /** Keeps its first claim on the way until SIGTERM has come: before it lands, or after, when nobody has been told. */
  holdClaim?: 'before' | 'after';
  /** Milliseconds that a provider's `onModuleInit` takes, what comes before `listen`, and the end of its work. */
  slowInit?: number;
  slowListen?: number;
  slowDrain?: number;
  /** Calls `app.close()` itself when it hears of SIGTERM, beside Nest's hooks. */
  closeOnSignal?: boolean;
}

/** `replica.mjs` as a process of its own. */
export class ReplicaProcess {
  /** What it told the test. */
  readonly told: string[] = [];
  /** What an operator reads. */
  readonly log: string[] = [];
  readonly exit: Promise<string>;
  private readonly child: ChildProcess;

  constructor(behaviour: Behaviour) {
    const script = fileURLToPath(new URL('replica.mjs', import.meta.url));
    // As in production: it is not the replica that a test runner runs.
    const { VITEST: _, ...env } = process.env;
    this.child = spawn(process.execPath, [script, JSON.stringify(behaviour)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env, NO_COLOR: '1' },
    });
    this.exit = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(signal ?? String(code))));
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) =>
        line.startsWith('@') ? this.told.push(line.slice(1)) : this.log.push(line),
      );
    }
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.exit;
      if (process.env.SHOW_LOGS !== undefined)
        console.log([...this.log, ...this.told.map((line) => `@${line}`)].join('\n'));
    });
  }

  /** The words of the first line that begins so, as soon as there is one. */
  async tells(beginning: string): Promise<string[]> {
    const found = () => this.told.find((line) => line.startsWith(beginning));
    await expect.poll(found, PATIENCE).toBeDefined();
    return found()!.split(' ');
  }

  terminate(): void {
    this.child.kill('SIGTERM');
  }

  /** Has it work synchronously for so long, if it leads. */
  block(milliseconds: number): void {
    this.child.stdin!.write(`${milliseconds}\n`);
  }
}

/** A folder for the leases of one test. */
export async function leaseDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'replica-process-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The lease as it stands on disk. */
export async function leaseIn(directory: string): Promise<LeaseRecord | undefined> {
  const { lease } = await fileLease({ directory }).open({ name: 'orders' }).read(AbortSignal.timeout(10_000));
  return lease?.record;
}
