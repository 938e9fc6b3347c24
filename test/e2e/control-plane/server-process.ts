import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** One server of the control plane as a process that a test may stop, freeze, kill and start again on the same data. */
export class ServerProcess {
  private process: ChildProcess | null = null;

  constructor(
    private readonly name: string,
    private readonly binary: string,
    private readonly args: string[],
    private readonly logFile: string,
    private readonly isReady: () => Promise<boolean>,
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {}

  /** Resolves once the server answers. @throws Error with the end of its log if it exits or stays unready for `patience` ms */
  async start(patience = 60_000): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const child = spawn(this.binary, this.args, { env: this.env, stdio: ['ignore', log, log] });
    closeSync(log);
    this.process = child;
    let failure: Error | null = null;
    child.once('error', (error) => (failure = error));
    for (const giveUp = performance.now() + patience; performance.now() < giveUp; await sleep(100)) {
      if (failure) throw failure;
      if (child.exitCode !== null || child.signalCode !== null) break;
      if (await this.isReady()) return;
    }
    throw new Error(`${this.name} did not become ready. The end of its log:\n${this.logTail()}`);
  }

  /** Stops answering without closing anything, as a machine that hangs. */
  freeze(): void {
    this.running.kill('SIGSTOP');
  }

  resume(): void {
    this.running.kill('SIGCONT');
  }

  /** As a crash: no goodbye to clients, no flush. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Orderly shutdown, forced after ten seconds. */
  async stop(): Promise<void> {
    if (!this.process) return;
    this.resume();
    const force = setTimeout(() => this.process?.kill('SIGKILL'), 10_000);
    await this.end('SIGTERM').finally(() => clearTimeout(force));
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  private get running(): ChildProcess {
    if (!this.process) throw new Error(`${this.name} is not running.`);
    return this.process;
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.running;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    }
    this.process = null;
  }

  private logTail(): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-15).join('\n');
  }
}
