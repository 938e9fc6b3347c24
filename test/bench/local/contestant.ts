import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { filter, firstValueFrom, ReplaySubject, timeout } from 'rxjs';
import type { Message } from './replica.js';

const SCRIPT = fileURLToPath(new URL('./replica.js', import.meta.url));

/** One replica of the benchmark, as its parent sees it. */
export class Contestant {
  readonly messages = new ReplaySubject<Message>();
  private readonly process: ChildProcess;

  constructor(directory: string, leaseDuration: number) {
    this.process = spawn(process.execPath, [SCRIPT], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, LEASE_DIRECTORY: directory, LEASE_DURATION: String(leaseDuration) },
    });
    this.process.on('message', (message) => this.messages.next(message as Message));
  }

  async told<K extends Message['kind']>(kind: K): Promise<Extract<Message, { kind: K }>> {
    const wanted = this.messages.pipe(
      filter((message): message is Extract<Message, { kind: K }> => message.kind === kind),
      timeout({ first: 30_000 }),
    );
    return firstValueFrom(wanted);
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Makes it tell of the belief that it holds at the moment. */
  ask(): void {
    if (this.process.connected) this.process.send('what do you believe?');
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGCONT');
    this.process.kill('SIGKILL');
    await ended;
  }
}
