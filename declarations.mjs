// The declarations of dist, after `nest build` has put one there for each file of lib. Those that no entry leads to go again: nobody
// can import them. The others are written once more for CommonJS: TypeScript tells the two kinds of module by the name of the file.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { entries } from './exports.mjs';

const SPECIFIER = /(\bfrom |\bimport\()(['"])(\.[^'"]*)\.js\2/g;

const reached = new Set();
function reach(module) {
  if (reached.has(module)) return;
  reached.add(module);
  const text = readFileSync(`${module}.d.ts`, 'utf8');
  for (const [, , , specifier] of text.matchAll(SPECIFIER)) reach(join(dirname(module), specifier));
  writeFileSync(`${module}.d.cts`, text.replace(SPECIFIER, '$1$2$3.cjs$2'));
}
for (const entry of Object.values(entries)) reach(`dist/${entry}`);

for (const name of readdirSync('dist', { recursive: true }))
  if (name.endsWith('.d.ts') && !reached.has(join('dist', name.slice(0, -'.d.ts'.length)))) rmSync(join('dist', name));

// It says that those are there.
rmSync('dist/.tsbuildinfo', { force: true });
