// npm run exports: spells out in package.json what each entry of its `exports` stands for. To add one, write
// `"./redis": "./dist/stores/redis/index.js"` there and run this; the build refuses what is not spelled out.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('package.json', import.meta.url);
export const manifest = JSON.parse(readFileSync(file, 'utf8'));

/** Path of each entry under `dist`, without its extension, by the subpath that applications import. */
export const entries = Object.fromEntries(
  Object.entries(manifest.exports)
    .filter(([subpath]) => subpath !== './package.json')
    .map(([subpath, target]) => [subpath, (target['module-sync'] ?? target).replace(/^\.\/dist\/|\.js$/g, '')]),
);

/**
 * What the fields of package.json have to be. `module-sync` comes first: Node then loads one copy, whether it is imported or required.
 * `import` and `default` are for tools that do not know it, TypeScript among them: it takes the types from there.
 */
const spelledOut = {
  main: './dist/index.cjs',
  types: './dist/index.d.cts',
  // Subpaths for `moduleResolution: node10`, which knows no `exports`.
  typesVersions: {
    '*': Object.fromEntries(
      Object.entries(entries)
        .filter(([subpath]) => subpath !== '.')
        .map(([subpath, entry]) => [subpath.slice('./'.length), [`./dist/${entry}.d.cts`]]),
    ),
  },
  exports: {
    ...Object.fromEntries(
      Object.entries(entries).map(([subpath, entry]) => [
        subpath,
        {
          'module-sync': `./dist/${entry}.js`,
          import: { types: `./dist/${entry}.d.ts`, default: `./dist/${entry}.js` },
          default: { types: `./dist/${entry}.d.cts`, default: `./dist/${entry}.cjs` },
        },
      ]),
    ),
    './package.json': './package.json',
  },
};

export const isSpelledOut = Object.entries(spelledOut).every(
  ([field, value]) => JSON.stringify(manifest[field]) === JSON.stringify(value),
);

if (process.argv[1] === import.meta.filename)
  writeFileSync(file, `${JSON.stringify({ ...manifest, ...spelledOut }, null, 2)}\n`);
