// npm run test:one-state [-- --report FILE]: through import and through require the package has one class to inject by, one context of
// admitted calls, and errors that know each other, in every loader and bundler, also where both of its copies are in one bundle.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addPackage, installProject, nest, run } from './project.mjs';
import { packTarball } from './tarball.mjs';

const EXPECTED = '{"class":true,"ran":true,"joined":true,"error":true}';

const OTHER = `exports.other = require('nestjs-leader');`;
const MAIN = `import 'reflect-metadata';
import { LeaderElectionService, NotLeaderError } from 'nestjs-leader';
import { withLeadership } from 'nestjs-leader/testing';
import others from './other.cjs';

const { other } = others;

class Jobs {
  run() {
    return this.inner();
  }
  inner() {
    return 'ran';
  }
}
// As decorators do: both methods are gated by what require() gave, and the election comes from what import gave.
for (const name of ['run', 'inner']) {
  const descriptor = Object.getOwnPropertyDescriptor(Jobs.prototype, name);
  Object.defineProperty(Jobs.prototype, name, other.OnlyWhenLeader()(Jobs.prototype, name, descriptor) ?? descriptor);
}

export async function look() {
  const jobs = new Jobs();
  await withLeadership(jobs);
  const ran = jobs.run() === 'ran';
  // What the copy that require() gave admits, the context that all share knows.
  const context = globalThis[Symbol.for('nestjs-leader:0:admitted-calls')];
  const elector = new other.LeaderElector({ options: { leaseName: 'x', store: other.memoryLease() } });
  void elector.start();
  await elector.whenLeader();
  const joined = await elector.runIfLeader(() => context.getStore() !== undefined);
  await elector.shutdown();
  return {
    class: other.LeaderElectionService === LeaderElectionService,
    ran,
    joined,
    error: new other.NotLeaderError('x') instanceof NotLeaderError,
  };
}
`;
const PROGRAM = `import { look } from './look.mjs';\nconsole.log(JSON.stringify(await look()));\nprocess.exit();\n`;
const VITEST = `import { expect, it } from 'vitest';
import { look } from './look.mjs';
it('is one', async () => expect(JSON.stringify(await look())).toBe('${EXPECTED}'));
`;
/** Jest as it comes has no import: its second copy is a registry of modules of its own. */
const JEST = `const one = require('nestjs-leader');
it('is one', () => {
  jest.isolateModules(() => {
    const other = require('nestjs-leader');
    expect(other.LeaderElector).not.toBe(one.LeaderElector);
    expect(other.LeaderElectionService).toBe(one.LeaderElectionService);
    expect(new other.NotLeaderError('x')).toBeInstanceOf(one.NotLeaderError);
  });
});
`;

/** What Nest itself asks for if it is there. */
const OPTIONAL = ['class-transformer', 'class-validator', '@nestjs/microservices', '@nestjs/websockets'];
const WEBPACK = `import webpack from 'webpack';
webpack({ mode: 'none', target: 'node', entry: './program.mjs', output: { filename: 'webpack.mjs', path: process.cwd(), module: true },
  experiments: { outputModule: true, topLevelAwait: true }, externalsType: 'node-commonjs',
  externals: [({ request }, done) => done(null, ${JSON.stringify(OPTIONAL)}.some((name) => request.startsWith(name)) ? request : undefined)],
}, (error, stats) => { if (error ?? stats.hasErrors()) { console.error(error ?? stats.toString('errors-only')); process.exit(1); } });
`;
const ROLLUP = `import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import { nodeResolve } from '@rollup/plugin-node-resolve';
export default { input: 'program.mjs', output: { file: 'rollup.mjs', format: 'es', inlineDynamicImports: true, banner: "import{createRequire as requireFromHere}from'module';const require=requireFromHere(import.meta.url);" },
  external: (id) => ${JSON.stringify(OPTIONAL)}.some((name) => id.startsWith(name)),
  plugins: [nodeResolve({ preferBuiltins: true }), commonjs({ ignoreDynamicRequires: true, ignoreTryCatch: true, ignore: (id) => ${JSON.stringify(OPTIONAL)}.some((name) => id.startsWith(name)) }), json()], onwarn() {} };
`;

const at = process.argv.indexOf('--report');
const project = installProject('one-state', [packTarball().path, ...nest(11), '@nestjs/testing@11']);
const bundlers = [
  'esbuild',
  'webpack@5',
  'rollup@4',
  '@rollup/plugin-commonjs',
  '@rollup/plugin-json',
  '@rollup/plugin-node-resolve',
];
addPackage(
  project,
  'vitest@4.1',
  'jest@30',
  'tsx@4',
  '@swc-node/register',
  '@swc/core',
  'typescript@5',
  'rolldown',
  ...bundlers,
);
for (const [file, text] of Object.entries({
  'look.mjs': MAIN,
  'other.cjs': OTHER,
  'program.mjs': PROGRAM,
  'unit/one.spec.ts': VITEST.replace('./look', '../look'),
  'jest/one.test.cjs': JEST,
  'webpack.config.run.mjs': WEBPACK,
  'rollup.config.mjs': ROLLUP,
})) {
  mkdirSync(join(project, file, '..'), { recursive: true });
  writeFileSync(join(project, file), text);
}

const node = (...args) => run(project, process.execPath, args);
const npx = (...args) => run(project, 'npx', args);
const banner =
  "--banner:js=import{createRequire as requireFromHere}from'module';const require=requireFromHere(import.meta.url);";
const external = OPTIONAL.flatMap((name) => [`--external:${name}`, `--external:${name}/*`]);
const WAYS = {
  node: () => node('program.mjs'),
  tsx: () => npx('tsx', 'program.mjs'),
  swc: () => node('--import', '@swc-node/register/esm-register', 'program.mjs'),
  vitest: () => {
    npx('vitest', 'run', 'unit/one.spec.ts');
    return EXPECTED;
  },
  'jest, as it comes': () => {
    npx('jest', '--config', JSON.stringify({ rootDir: 'jest', testMatch: ['**/*.test.cjs'] }));
    return EXPECTED;
  },
  esbuild: () => {
    npx(
      'esbuild',
      'program.mjs',
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--outfile=esbuild.mjs',
      banner,
      ...external,
    );
    return node('esbuild.mjs');
  },
  webpack: () => {
    node('webpack.config.run.mjs');
    return node('webpack.mjs');
  },
  rollup: () => {
    npx('rollup', '-c', 'rollup.config.mjs');
    return node('rollup.mjs');
  },
  rolldown: () => {
    npx(
      'rolldown',
      'program.mjs',
      '--platform',
      'node',
      '--format',
      'esm',
      '-d',
      'rolled',
      ...OPTIONAL.flatMap((name) => ['--external', name]),
    );
    return node('rolled/program.js');
  },
};

let failed = 0;
for (const [name, way] of Object.entries(WAYS)) {
  let seen;
  try {
    seen = way().trim().split('\n').at(-1);
  } catch (error) {
    seen = error.message.slice(-2000);
  }
  if (seen !== EXPECTED) failed++;
  console.log(`${name.padEnd(20)} ${seen === EXPECTED ? 'one state' : `FAILED\n${seen}`}`);
}
const passed = Object.keys(WAYS).length - failed;
if (at > 0) writeFileSync(process.argv[at + 1], JSON.stringify({ passed, failed }));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
