import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Belief, beliefs } from './believers.js';
import { type ReplicaLine, monotonic } from './replica-lines.js';

type LineOf<K extends ReplicaLine['kind']> = Extract<ReplicaLine, { kind: K }>;

/** A replica in a process of its own. */
export class Replica {
  readonly lines: ReplicaLine[] = [];
  readonly exited: Promise<void>;
  private readonly waiting = new Set<() => void>();
  private readonly process: ChildProcess;
  /** What it wrote that is not one of our lines: logs and crashes. */
  log = '';

  constructor(
    readonly name: string,
    command: string,
    args: string[],
    env: Record<string, string> = {},
  ) {
    // A replica inherits nothing that would make it choose another store or another cluster.
    const inherited = { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] };
    this.process = spawn(command, args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    createInterface({ input: this.process.stdout! }).on('line', (text) => this.hear(text));
    this.process.stderr!.on('data', (chunk) => {
      this.log += chunk;
      this.wake();
    });
    // `close` rather than `exit`: by then every line it wrote has been heard.
    this.exited = new Promise((resolve) => this.process.once('close', () => resolve()));
    void this.exited.then(() => this.wake());
  }

  get pid(): number {
    return this.process.pid!;
  }

  get beliefs(): Belief[] {
    return beliefs(this.name, this.lines);
  }

  of<K extends ReplicaLine['kind']>(kind: K, since = 0): LineOf<K>[] {
    return this.lines.filter((line): line is LineOf<K> => line.kind === kind && line.t >= since);
  }

  /** The first line of a kind from `since` on (monotonic ms), heard already or still to come. @throws Error after `patience` ms, or when the replica exits */
  async until<K extends ReplicaLine['kind']>(
    kind: K,
    options: { since?: number; patience?: number; where?: (line: LineOf<K>) => boolean } = {},
  ): Promise<LineOf<K>> {
    const { since = 0, patience = 60_000, where = () => true } = options;
    const end = monotonic() + patience;
    for (;;) {
      const line = this.of(kind, since).find(where);
      if (line) return line;
      const left = end - monotonic();
      if (left <= 0) throw new Error(`${this.name}: no "${kind}" within ${patience} ms. ${this.story()}`);
      if (this.gone) throw new Error(`${this.name} exited without "${kind}". ${this.story()}`);
      await this.more(left);
    }
  }

  /** Resolves once its log holds `pattern`. @throws Error after `patience` ms, or when the replica exits */
  async says(pattern: RegExp, patience = 30_000): Promise<void> {
    const end = monotonic() + patience;
    while (!pattern.test(this.log)) {
      const left = end - monotonic();
      if (left <= 0 || this.gone) throw new Error(`${this.name} did not say ${String(pattern)}. ${this.story()}`);
      await this.more(left);
    }
  }

  /** SIGSTOP: every thread of it stands still; the world goes on. */
  pause(): void {
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  /** SIGUSR2: the program ends itself, in the way that it was told. */
  endItself(): void {
    this.process.kill('SIGUSR2');
  }

  terminate(): void {
    this.process.kill('SIGTERM');
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  get gone(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Its history without the bulk of the samples, for failures. */
  story(): string {
    const lines = this.lines.filter((line) => line.kind !== 'sample' || !line.leader).slice(-30);
    return [...lines.map((line) => JSON.stringify(line)), this.log.slice(-3000)].join('\n');
  }

  private hear(text: string): void {
    if (text.startsWith('{"kind"')) this.lines.push(JSON.parse(text) as ReplicaLine);
    else this.log += `${text}\n`;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private async more(patience: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.waiting.add(resolve);
      timer = setTimeout(resolve, patience);
    });
    clearTimeout(timer);
  }
}
