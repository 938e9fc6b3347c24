import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, temporaryFolder } from './tarball.mjs';

/** An empty project somewhere else that has installed the tarball and these packages. */
export function installProject(name, packages) {
  const folder = temporaryFolder(name);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  addPackage(folder, ...packages);
  cpSync(join(repository, 'test/package/consumer'), folder, { recursive: true });
  return folder;
}

export function addPackage(folder, ...packages) {
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, ...packages], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Runs a command there; its output if it succeeds, else throws with it. */
export function run(folder, command, args, timeout = 120_000, env = process.env) {
  try {
    return execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', timeout, env });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? ''}`, { cause: error });
  }
}

export const nest = (major) => [
  ...['common', 'core', 'platform-express', 'platform-fastify'].map((name) => `@nestjs/${name}@${major}`),
  `@nestjs/schedule@${major === 11 ? 6 : 12}`,
  'reflect-metadata@0.2',
  'rxjs@7',
];
