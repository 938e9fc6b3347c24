// npm run test:import: neither the code nor the types of the root reach for anything that a user may not have installed.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { repository } from './tarball.mjs';

const { peerDependencies, peerDependenciesMeta, exports } = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
);
const required = Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional);
/** Optional peers that a subpath is for. */
const ALLOWED = { './terminus': ['@nestjs/terminus'], './prometheus': ['prom-client'], './schedule': ['croner'] };

const NAMES = String.raw`[\w*\s{},$]+?`;
/** Not `import()`, nor a `require()` inside a function: what is loaded on first need may be missing until then. */
const STATIC = new RegExp(
  String.raw`^(?:(?:import|export)\s+(?:${NAMES}\s*from\s*)?|(?:(?:let|const) \w+ = )?require\()['"]([^'"]+)['"]`,
  'gm',
);
/** `import('x').Type` included. */
const IN_TYPES = new RegExp(
  String.raw`(?:^(?:import|export)\s+(?:${NAMES}\s*from\s*)?|\bimport\()['"]([^'"]+)['"]`,
  'gm',
);

/** Statically imported packages of a module and of all it imports, with the file that names each. */
function packagesOf(entry) {
  const packages = new Map();
  const seen = new Set();
  const visit = (file) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    const pattern = /\.d\.c?ts$/.test(file) ? IN_TYPES : STATIC;
    for (const [, specifier] of text.matchAll(pattern)) {
      if (specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.')) {
        packages.set(
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
          relative(repository, file),
        );
        continue;
      }
      const target = resolve(dirname(file), specifier);
      const next = /\.d\.c?ts$/.test(file) ? target.replace(/\.(c?)js$/, '.d.$1ts') : target;
      if (existsSync(next)) visit(next);
      else throw new Error(`${file} imports ${specifier}, which is not there`);
    }
  };
  visit(entry);
  return packages;
}

let leaks = 0;
for (const [subpath, target] of Object.entries(exports)) {
  if (typeof target === 'string') continue;
  const files = [target.import, target.default].flatMap((copy) => [copy.default, copy.types]);
  for (const file of files) {
    const packages = packagesOf(join(repository, file));
    for (const [name, by] of packages) {
      if (required.includes(name) || ALLOWED[subpath]?.includes(name)) continue;
      leaks++;
      console.error(`${file} needs ${name}, which is optional: ${by}`);
    }
    console.log(`${file}: ${[...packages.keys()].join(', ') || 'nothing'}`);
  }
}
process.exitCode = leaks === 0 ? 0 : 1;
