import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface GoProgram {
  /** Folder of the Go module that pins the version. */
  module: string;
  /** Import path of the main package. */
  package: string;
  /** Name of the binary. */
  name: string;
  /** `-X` settings of the linker. */
  set?: Record<string, string>;
  /** Build tags. */
  tags?: string[];
}

/** Where the binary is once it is built. The name says of what it was built, so that another version is another file. */
export function goBinary(program: GoProgram): string {
  return join(cacheFolder(), `${program.name}-${fingerprint(program)}`);
}

/** Builds a Go program once and returns the path of the binary; later calls, also of other checkouts, find it in the user's cache. */
export async function goBuild(program: GoProgram): Promise<string> {
  const binary = goBinary(program);
  if (existsSync(binary)) return binary;

  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  requireGo(program);
  console.log(`building ${program.name} with Go, once: minutes for the big ones (then cached in ${cache})…`);
  const begun = Date.now();
  // Renamed when complete: an interrupted or a concurrent build never leaves half a binary under the final name.
  const unfinished = `${binary}.${process.pid}`;
  const settings = Object.entries(program.set ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  await run(
    [
      'build',
      '-mod=readonly',
      '-buildvcs=false',
      '-trimpath',
      `-ldflags=${['-s', '-w', ...settings].join(' ')}`,
      ...(program.tags ? [`-tags=${program.tags.join(',')}`] : []),
    ].concat(['-o', unfinished, program.package]),
    program.module,
  );
  renameSync(unfinished, binary);
  console.log(`built ${program.name} in ${Math.round((Date.now() - begun) / 1000)} s`);
  return binary;
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nestjs-leader', 'go');
}

function fingerprint(program: GoProgram): string {
  const { tags = [] } = program;
  const hash = createHash('sha256').update(JSON.stringify([program.package, program.set, ...tags]));
  const sources = readdirSync(program.module).filter((file) => /^go\.(mod|sum)$|\.go$/.test(file));
  for (const file of sources.toSorted()) hash.update(file).update(readFileSync(join(program.module, file)));
  return hash.digest('hex').slice(0, 16);
}

function requireGo(program: GoProgram): void {
  if (spawnSync('go', ['version']).status === 0) return;
  throw new Error(
    `${program.name} is not built yet and there is no Go toolchain on the PATH. Install Go (https://go.dev/dl), ` +
      'or point KUBEBUILDER_ASSETS at a folder with kube-apiserver and etcd.',
  );
}

function run(args: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = spawn('go', args, { cwd, env: { ...process.env, CGO_ENABLED: '0' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [go.stdout, go.stderr]) stream.on('data', (chunk) => (output = (output + chunk).slice(-4000)));
    go.on('error', reject);
    go.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`go ${args.join(' ')} failed:\n${output}`))));
  });
}
