import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/**
 * Who may import whom, from the bottom up: a unit imports itself and what stands in a lower row, never its own row or a higher one.
 * Types count, for a reader follows them too. A new folder has to find its place here.
 */
const LIBRARY = [
  ['election'],
  ['stores', 'diagnostics', 'interfaces', 'handlers', 'leader-election.constants.ts'],
  ['leader-election.messages.ts', 'fencing'],
  ['leader-election.service.ts'],
  ['admission', 'registry', 'guards'],
  ['decorators', 'lifecycle', 'terminus'],
  ['explorers'],
  ['schedule'],
  ['leader-election.providers.ts'],
  ['leader-election.module.ts', 'prometheus', 'testing'],
  ['index.ts'],
];

const ELECTION = [
  ['clock', 'errors.ts', 'lease-record.ts', 'leadership-term.ts', 'process-wide.ts'],
  ['report', 'exit'],
  ['lease-store.ts', 'arguments.ts', 'election.ts'],
  ['options.ts'],
  ['rules'],
  ['work'],
  ['ticks'],
  ['lease'],
  ['loop'],
  ['elector.ts'],
  ['index.ts'],
];

/** What all stores share, then each store, which knows no other. */
const STORES = [
  ['abortable.ts', 'bell.ts'],
  ['file', 'kubernetes', 'memory', 'postgres'],
];

const lib = fileURLToPath(new URL('../../lib/', import.meta.url));
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

describe('the library', () => {
  it.each([
    ['lib', '', LIBRARY],
    ['lib/election', 'election/', ELECTION],
    ['lib/stores', 'stores/', STORES],
  ])('imports downward only within %s, and every unit there has its row', (_name, folder, rows) => {
    const unitOf = (file: string) => file.slice(folder.length).split('/')[0]!;
    const rowOf = (file: string) => rows.findIndex((row) => row.includes(unitOf(file)));
    const inside = files.filter((file) => file.startsWith(folder));
    expect(inside.filter((file) => rowOf(file) < 0)).toEqual([]);
    const upward = inside.flatMap((file) =>
      imports
        .get(file)!
        .filter((other) => other.startsWith(folder) && unitOf(other) !== unitOf(file) && rowOf(other) >= rowOf(file))
        .map((other) => `${file} imports ${other}`),
    );
    expect(upward).toEqual([]);
  });

  it('has no circle of imports, not even one of types', () => {
    expect(files.filter((file) => reaches(imports.get(file)!, file))).toEqual([]);
  });

  it('takes time, chance and I/O in lib/election through the ports of lib/election/clock and exit alone', () => {
    const ofTheMachine = /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|randomUUID)\(/;
    const direct = files
      .filter((file) => file.startsWith('election/') && file !== 'election/clock/system-clock.ts')
      .flatMap((file) => {
        const [, used] = ofTheMachine.exec(readFileSync(join(lib, file), 'utf8')) ?? [];
        return used === undefined ? [] : [`${file}: ${used}`];
      });
    // The sign that a process has lived through its exit is a turn of the event loop, which no clock tells.
    expect(direct).toEqual(['election/exit/process-exit.ts: setImmediate']);
  });
});

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(lib, file), 'utf8'));
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => relative(lib, join(lib, file, '..', fileName)).replace(/\.js$/, '.ts'));
}

function reaches(from: readonly string[], target: string): boolean {
  const seen = new Set<string>();
  const open = [...from];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (file === target) return true;
    if (seen.has(file)) continue;
    seen.add(file);
    open.push(...(imports.get(file) ?? []));
  }
  return false;
}
