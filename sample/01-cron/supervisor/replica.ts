import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Subject } from 'rxjs';
import { now, type ReplicaMessage, type SupervisorCommand } from '../src/supervision.js';
import type { RunFolder } from './run-folder.js';

const APP = fileURLToPath(new URL('../src/main.js', import.meta.url));

export type ReplicaEvent =
  | ReplicaMessage
  | { kind: 'started'; pid: number; at: number }
  | { kind: 'printed'; line: string; at: number }
  | { kind: 'exited'; code: number | null; signal: NodeJS.Signals | null; at: number };

/** One replica: a real process that runs the application. */
export class Replica {
  readonly events = new Subject<ReplicaEvent>();
  readonly startedAt = now();
  identity: string | null = null;
  /** Token of the term that it reports, `null` when it does not lead. A paused leader reports nothing and keeps it. */
  token: bigint | null = null;
  running = true;
  private readonly process: ChildProcess;
  private hold: ChildProcess | null = null;

  constructor(
    readonly name: string,
    folder: RunFolder,
  ) {
    this.process = spawn(process.execPath, [APP], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, LEASE_DIRECTORY: folder.leases, WORK_LOG: folder.workLog, NO_COLOR: '1' },
    });
    this.process.on('message', (message) => this.emit(message as ReplicaMessage));
    this.process.on('exit', (code, signal) => this.emit({ kind: 'exited', code, signal, at: now() }));
    for (const output of [this.process.stdout, this.process.stderr])
      createInterface({ input: output! }).on('line', (line) => this.emit({ kind: 'printed', line, at: now() }));
  }

  get pid(): number {
    return this.process.pid!;
  }

  get paused(): boolean {
    return this.hold !== null;
  }

  /** Resolves when the process has ended. */
  async ended(): Promise<void> {
    if (this.running) await once(this.process, 'exit');
  }

  crash(): void {
    this.process.kill('SIGKILL');
  }

  terminate(): void {
    this.process.kill('SIGTERM');
    this.resume();
  }

  /**
   * Stops the process with SIGSTOP for as long as a pipe from here stays open: a stopped process cannot notice by itself that its
   * supervisor was killed, and would stay forever.
   */
  pause(): void {
    if (this.paused || !this.running) return;
    this.hold = spawn('sh', ['-c', 'kill -STOP "$0"; read -r _; kill -CONT "$0"', String(this.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  resume(): void {
    this.hold?.stdin?.end();
    this.hold = null;
  }

  say(command: SupervisorCommand): void {
    if (this.process.connected) this.process.send(command);
  }

  private emit(event: ReplicaEvent): void {
    if (event.kind === 'ready') this.identity = event.identity;
    if (event.kind === 'leads') this.token = BigInt(event.token);
    if (event.kind === 'no-longer-leads' || event.kind === 'exited') this.token = null;
    if (event.kind === 'exited') this.running = false;
    this.events.next(event);
    if (event.kind === 'exited') this.events.complete();
  }
}
