// The code of dist, beside the declarations that `nest build` puts there. Bundled, because Node takes about a millisecond for every
// module that it loads: a hundred small files cost an application's start four times what these few do.
import { readFileSync } from 'node:fs';
import { build } from 'rolldown';

const { exports, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.values(exports)
  .filter((target) => typeof target === 'object')
  .map((target) => target.default.slice('./dist/'.length, -'.js'.length));

await build({
  input: Object.fromEntries(entries.map((entry) => [entry, `lib/${entry}.ts`])),
  // Peers are the application's own, or may not be there at all.
  external: new RegExp(`^(${Object.keys(peerDependencies).join('|')})(/|$)`),
  platform: 'node',
  tsconfig: 'tsconfig.json',
  // What a class or a decorator registers when its module is loaded is no dead code.
  treeshake: false,
  output: { dir: 'dist', chunkFileNames: 'chunks/[name].js' },
});
