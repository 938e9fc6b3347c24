import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../../e2e/repository.js';
import { type Figure, printFigures, printTable } from '../figures.js';
import type { Lab } from '../lab.js';
import { install, installed, PEERS } from '../peers/install.js';
import { importCost, type ImportCost } from './import-cost.js';

const CLIENT_NODE = { name: '@kubernetes/client-node', version: '1.4.0' };

/** What the package weighs: on disk, at import, in memory. */
export async function footprint(lab: Lab): Promise<void> {
  const packages = installed([CLIENT_NODE, ...PEERS]);
  const imports = [
    { what: 'Nest itself: @nestjs/common and @nestjs/core', run: () => importCost() },
    { what: '  nestjs-leader', run: () => importCost('nestjs-leader') },
    ...packages.map(({ name, folder }) => ({ what: `  ${name}`, run: () => importCost(name, folder) })),
  ].map((subject) => ({ ...subject, costs: [] as ImportCost[] }));
  for (let round = 0; round < lab.amount(20, 3); round++) for (const { run, costs } of imports) costs.push(run());
  const print = (title: string, of: keyof ImportCost, unit: Figure['unit']) => {
    console.log(title);
    printFigures(imports.map(({ what, costs }) => ({ what, unit, samples: costs.map((cost) => cost[of]) })));
  };
  print('Import after Nest, processor time:', 'cpu', 'ms');
  print('\nThe same, growth of the live heap:', 'heap', 'MiB');
  print('\nThe same, growth of the resident memory:', 'rss', 'MiB');

  console.log('\nInstalled, without peer dependencies:');
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', tmpdir()], {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [{ filename: string }];
  const tarball = join(tmpdir(), packed.filename);
  const own = install(tarball);
  rmSync(tarball);
  printTable([
    ['', 'packages it brings', 'MiB'],
    ...[{ name: 'nestjs-leader', ...own }, ...packages].map(({ name, folder }) => {
      const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as { packages: object };
      // Neither the folder itself nor the package.
      const brought = Object.keys(lock.packages).length - 2;
      return [name, String(brought), (size(join(folder, 'node_modules')) / 2 ** 20).toFixed(1)];
    }),
  ]);
}

/** Bytes of all files below. */
function size(path: string): number {
  const found = lstatSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + size(join(path, name)), 0);
}
