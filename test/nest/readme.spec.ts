import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PRINTED = 'only one replica prints this';

/** A process of the application that the README shows first. */
class Replica {
  output = '';
  private readonly process: ChildProcess;

  constructor(script: string, folder: string) {
    // Under a test runner each application would get a memory store of its own, and lead: these are to be real replicas.
    const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, NODE_ENV: ____, ...env } = process.env;
    this.process = spawn(process.execPath, [script], { env: { ...env, TMPDIR: folder, PORT: '0' } });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (data) => (this.output += String(data)));
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    await once(this.process, 'exit');
  }
}

describe('the application that the README shows first', () => {
  let folder: string;
  let script: string;
  const replicas: Replica[] = [];

  const start = () => {
    const replica = new Replica(script, folder);
    replicas.push(replica);
    return replica;
  };

  beforeAll(() => {
    execFileSync('npx', ['tsc', '-b', 'tsconfig.build.json'], { cwd: ROOT });
    // Inside the package, so that it imports it by its name as a user's application does.
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    folder = mkdtempSync(join(ROOT, '.cache', 'readme-'));
    script = join(folder, 'app.mjs');
    const [, app] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))!;
    const { compilerOptions } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config as {
      compilerOptions: ts.CompilerOptions;
    };
    const options = ts.convertCompilerOptionsFromJson({ ...compilerOptions, module: 'esnext' }, ROOT).options;
    writeFileSync(script, ts.transpileModule(app!, { compilerOptions: options }).outputText);
  }, 120_000);

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });

  it('works on one replica alone, and on the other after that has ended', { timeout: 120_000 }, async () => {
    const first = start();
    await expect.poll(() => first.output, { timeout: 30_000 }).toContain(PRINTED);
    expect(first.output, 'says where the lease lies').toContain(`do not see (${folder}`);
    const second = start();
    await expect.poll(() => second.output, { timeout: 30_000 }).toContain('Nest application successfully started');
    await sleep(2_100); // two ticks at least
    expect(second.output).not.toContain(PRINTED);
    await first.end('SIGTERM');
    await expect.poll(() => second.output, { timeout: 30_000 }).toContain(PRINTED);
  });
});
