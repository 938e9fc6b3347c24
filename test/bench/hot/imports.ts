import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figure } from '../figures.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const STARTS = 20;

/** Processor time that importing the built root takes on top of what every Nest application loads; each pair of starts in turn, so that load hits both. */
export function importFigures(): Figure[] {
  const bare: number[] = [];
  const both: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    bare.push(importTime([]));
    both.push(importTime(['nestjs-leader']));
  }
  return [
    { what: 'import of @nestjs/common and @nestjs/core', samples: bare, unit: 'ms' },
    { what: 'the same and nestjs-leader', samples: both, unit: 'ms' },
    { what: 'added by nestjs-leader', samples: both.map((time, i) => time - bare[i]!), unit: 'ms', target: 40 },
  ];
}

function importTime(further: string[]): number {
  const imports = ['reflect-metadata', '@nestjs/common', '@nestjs/core', ...further].map(
    (name) => `await import('${name}');`,
  );
  const script = `const start = process.cpuUsage(); ${imports.join(' ')} const { user, system } = process.cpuUsage(start);
    console.log((user + system) / 1000);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' }));
}
