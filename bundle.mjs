// The code of dist, beside the declarations that `nest build` puts there. Bundled, because Node takes about a millisecond for every
// module that it loads: a hundred small files cost an application's start four times what these few do.
import { build } from 'rolldown';
import { entries, isSpelledOut, manifest } from './exports.mjs';

if (!isSpelledOut) throw new Error('package.json does not spell out its exports: npm run exports');

/**
 * The ES modules load what they may never need by `import()`. Jest's default refuses that inside CommonJS, and bundlers take a
 * missing package for optional only where the call itself stands in a `try`: there it is a plain `require()`.
 */
const requireOnFirstNeed = {
  name: 'require-on-first-need',
  transform: (code) => code.replace(/\bawait import\((?='[^']+'\))/g, 'require('),
};

for (const format of ['esm', 'cjs']) {
  await build({
    input: Object.fromEntries(Object.values(entries).map((entry) => [entry, `lib/${entry}.ts`])),
    // Peers are the application's own, or may not be there at all.
    external: new RegExp(`^(${Object.keys(manifest.peerDependencies).join('|')})(/|$)`),
    platform: 'node',
    tsconfig: 'tsconfig.json',
    // What a class or a decorator registers when its module is loaded is no dead code.
    treeshake: false,
    plugins: format === 'cjs' ? [requireOnFirstNeed] : [],
    output: {
      dir: 'dist',
      format,
      strict: format === 'cjs',
      entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js',
      chunkFileNames: format === 'cjs' ? 'chunks/[name].cjs' : 'chunks/[name].js',
    },
  });
}
