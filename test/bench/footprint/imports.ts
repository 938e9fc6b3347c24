import { execFileSync } from 'node:child_process';
import { printFigures } from '../figures.js';
import type { Lab } from '../lab.js';
import { repository } from '../../e2e/repository.js';

/** What every Nest application loads anyway, and then the built root: processor time, each in a fresh process. */
const SCRIPT = `
  const spent = async (...names) => {
    const before = process.cpuUsage();
    for (const name of names) await import(name);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const nest = await spent('reflect-metadata', '@nestjs/common', '@nestjs/core');
  console.log(JSON.stringify({ nest, leader: await spent('nestjs-leader') }));`;

export async function footprint(lab: Lab): Promise<void> {
  const starts = Array.from({ length: lab.amount(20, 3) }, () => {
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT], {
      cwd: repository,
      encoding: 'utf8',
    });
    return JSON.parse(output) as { nest: number; leader: number };
  });
  printFigures([
    { what: 'import of @nestjs/common and @nestjs/core', samples: starts.map(({ nest }) => nest), unit: 'ms' },
    { what: '  nestjs-leader after them: added', samples: starts.map(({ leader }) => leader), unit: 'ms', target: 40 },
  ]);
}
