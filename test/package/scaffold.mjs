// npm run test:scaffold [-- CELL ...] [--report FILE]: what `nest new` makes, with the README's code pasted in and the packed package
// installed, builds, tests, lints, starts twice and bundles, without a line of configuration. Without names all cells run.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './project.mjs';
import { packTarball, repository, temporaryFolder } from './tarball.mjs';

/** Nest's CLI 12 needs Node 22.22 or later. */
const CELLS = {
  '11-node20': { cli: 11, node: 20 },
  '11-node22': { cli: 11, node: 22 },
  '11-node24': { cli: 11, node: 24 },
  '11-pnpm-node20': { cli: 11, node: 20, manager: 'pnpm' },
  '11-tsconfig10-node20': { cli: 11, node: 20, tsconfig: 'of CLI 10' },
  '12-node22': { cli: 12, node: 22 },
  '12-node24': { cli: 12, node: 24 },
  // Its Jest cannot require Nest 12, which is ESM, before Node 24.9: "Must use import to load ES Module: [...] @nestjs/testing/index.js".
  '12-cjs-node24': { cli: 12, node: 24, type: 'cjs' },
};

/** What `nest new` of CLI 10 made, and what many applications still have. */
const TSCONFIG_OF_CLI_10 = {
  module: 'commonjs',
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2021',
  sourceMap: true,
  outDir: './dist',
  baseUrl: './',
  incremental: true,
  skipLibCheck: true,
  strictNullChecks: true,
};

const QUIET = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
const PRINTED = 'only one replica prints this';
/** Under these Nest alone can be bundled: what it loads if it is there. */
const EXTERNALS = [
  'class-transformer',
  'class-validator',
  '@nestjs/microservices',
  '@nestjs/microservices/*',
  '@nestjs/websockets/socket-module',
  '@nestjs/websockets/socket-module.js',
];

/** Each of these loads an optional package: natively imported it would throw in the CommonJS of Jest. */
const TRANSPORTS_SPEC = `import { Injectable } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { kubernetesLease, OnlyWhenLeader } from 'nestjs-leader';
import { LeaderElectionTestingModule } from 'nestjs-leader/testing';

@Injectable()
class Rpc {
  @MessagePattern('x') @OnlyWhenLeader() run() {
    return Promise.resolve('ran');
  }
}
@WebSocketGateway()
class Socket {
  @SubscribeMessage('x') @OnlyWhenLeader() run() {
    return Promise.resolve('ran');
  }
}
@Resolver()
class Graph {
  @Query(() => String) @OnlyWhenLeader() run() {
    return Promise.resolve('ran');
  }
}

const thrown = (work: Promise<unknown>) => work.then(() => null, (error: Error) => error);

it.each([
  [Rpc, 'RpcException'],
  [Socket, 'WsException'],
  [Graph, 'GraphQLError'],
])('%p is refused on a standby', async (type, error) => {
  const testing = LeaderElectionTestingModule.forRoot({ leader: false });
  const app = await Test.createTestingModule({ imports: [testing], providers: [type] }).compile();
  await app.init();
  expect((await thrown(app.get(type).run()))?.constructor.name).toBe(error);
  await app.close();
});

it('a kubeconfig that is not there is told', async () => {
  const handle = kubernetesLease({ kubeConfig: '/nowhere' }).open({ name: 'x' });
  const { code } = (await thrown(handle.read(AbortSignal.timeout(5000)))) as { code?: string };
  expect(code).toBe('STORE_UNAUTHENTICATED');
});
`;

/** An application in a process group of its own: `npm run` starts others. */
class Replica {
  output = '';
  hasEnded = false;

  constructor(folder, env, command, args) {
    this.process = spawn(command, args, {
      cwd: folder,
      env: { ...env, PORT: '0' },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => (this.output += text));
    this.ended = new Promise((resolve) =>
      this.process.once('close', () => {
        this.hasEnded = true;
        resolve();
      }),
    );
  }

  lines(text) {
    return this.output.split(text).length - 1;
  }

  prints() {
    return this.says(PRINTED);
  }

  async says(text) {
    for (let tries = 0; !this.output.includes(text); tries++) {
      if (this.hasEnded || tries > 600) throw new Error(`"${text}" was not said\n${this.output}`);
      await sleep(100);
    }
  }

  async stop() {
    if (!this.hasEnded) process.kill(-this.process.pid, 'SIGTERM');
    const timer = setTimeout(() => this.hasEnded || process.kill(-this.process.pid, 'SIGKILL'), 20_000);
    await this.ended;
    clearTimeout(timer);
  }
}

const args = process.argv.slice(2);
const at = args.indexOf('--report');
const [, reportFile] = at < 0 ? [] : args.splice(at, 2);
const asked = args.length > 0 ? args : Object.keys(CELLS);
const unknown = asked.filter((name) => !(name in CELLS));
if (unknown.length > 0)
  throw new Error(`No cell is called ${unknown.join(', ')}. There are: ${Object.keys(CELLS).join(', ')}.`);

const tarball = packTarball();
const nodes = new Map();
const results = [];
for (const name of asked) await play(name, CELLS[name]);

const width = Math.max(...results.map(({ step }) => step.length));
for (const { cell, step, seconds, error } of results)
  console.log(`${cell.padEnd(22)} ${step.padEnd(width)} ${String(seconds).padStart(5)} s  ${error ? 'FAILED' : 'ok'}`);
for (const { cell, step, error } of results)
  if (error) console.log(`\n=== ${cell}, ${step}\n${String(error.message).slice(-4000)}`);
const failed = results.filter(({ error }) => error).length;
if (reportFile) writeFileSync(reportFile, JSON.stringify({ passed: results.length - failed, failed }));
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function play(cell, { cli, node, manager = 'npm', tsconfig, type = cli === 12 ? 'esm' : 'cjs' }) {
  const parent = temporaryFolder(`scaffold-${cell}`);
  const folder = join(parent, 'app');
  const env = { ...process.env, PATH: `${binaryOf(node)}${delimiter}${process.env.PATH}`, NO_COLOR: '1' };
  // As on a developer's machine.
  delete env.NODE_ENV;
  const shell = (command, ...rest) => run(folder, command, rest, 600_000, env);
  const add = (...packages) =>
    manager === 'pnpm'
      ? shell('npx', '-y', 'pnpm@10', 'add', ...packages)
      : shell('npm', 'install', ...QUIET, ...packages);
  const esm = type === 'esm';
  let isSound = true;
  const step = async (name, work) => {
    // What could not be made cannot be tried.
    if (!isSound) return;
    const from = performance.now();
    let error;
    try {
      await work();
    } catch (cause) {
      error = cause;
      if (name === 'new' || name === 'install') isSound = false;
    }
    results.push({ cell, step: name, seconds: Math.round((performance.now() - from) / 1000), error });
    console.error(`${cell}: ${name} ${error ? 'FAILED' : 'ok'}`);
  };

  await step('new', () => {
    const options = ['--skip-git', '--skip-install', '--package-manager', 'npm'];
    if (cli === 11) {
      run(parent, 'npx', ['-y', '@nestjs/cli@11', 'new', 'app', ...options], 600_000, env);
    } else {
      const schematics = ['-y', '-p', '@angular-devkit/schematics-cli', '-p', '@nestjs/schematics@12', 'schematics'];
      run(
        parent,
        'npx',
        [...schematics, '@nestjs/schematics:application', '--name=app', `--type=${type}`],
        600_000,
        env,
      );
    }
    if (!tsconfig) return;
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: TSCONFIG_OF_CLI_10 }));
    // As the scaffold of CLI 10 imports it, whose tsconfig has no esModuleInterop.
    const spec = join(folder, 'test/app.e2e-spec.ts');
    writeFileSync(spec, readFileSync(spec, 'utf8').replace('import request from', 'import * as request from'));
  });
  await step('install', () => {
    // As the README says for each.
    const schedule = `@nestjs/schedule@${cli === 11 ? 6 : 12}`;
    add(tarball.path, schedule, `@nestjs/config@${cli === 11 ? 4 : '>=4'}`);
    paste(folder, esm);
  });
  await step('build', () => shell('npm', 'run', 'build'));
  await step('test', () => shell('npm', 'test'));
  await step('test:e2e', () => shell('npm', 'run', 'test:e2e'));
  if (cli === 11) {
    await step('test of transports', () => {
      add('@nestjs/microservices@11', '@nestjs/websockets@11', '@nestjs/graphql@13', 'graphql@16');
      writeFileSync(join(folder, 'src/transports.spec.ts'), TRANSPORTS_SPEC);
      shell('npm', 'test');
    });
  }
  await step('lint', () => shell('npm', 'run', 'lint'));
  await step('start twice', () => startTwice(folder, env));
  // CLI 12 refuses webpack for ESM: "The webpack compiler does not support ESM projects [...] Please use rspack instead".
  const bundler = esm ? 'rspack' : 'webpack';
  await step(`build -b ${bundler}`, async () => {
    const asksFor = {
      webpack: [
        'webpack',
        'webpack-node-externals',
        'tsconfig-paths-webpack-plugin',
        'ts-loader',
        'fork-ts-checker-webpack-plugin',
      ],
      rspack: ['@rspack/core', 'webpack-node-externals', 'tsconfig-paths-webpack-plugin'],
    };
    // The CLI of 12 asks for these; that of 11 brings them.
    if (cli === 12) add('-D', ...asksFor[bundler]);
    shell('npx', 'nest', 'build', '-b', bundler);
    await boots(folder, env, ['dist/main.js']);
  });
  await step('build -b swc', async () => {
    add('-D', '@swc/cli', '@swc/core');
    shell('npx', 'nest', 'build', '-b', 'swc');
    await boots(folder, env, [['dist/main.js', 'dist/src/main.js'].find((file) => existsSync(join(folder, file)))]);
  });
  await step('bundle by esbuild', async () => {
    add('-D', 'esbuild');
    const bundle = esm ? 'bundle.mjs' : 'bundle.cjs';
    const externals = EXTERNALS.map((name) => `--external:${name}`);
    // A bundle in ESM of what asks for require().
    const banner =
      "--banner:js=import{createRequire as requireFromHere}from'module';const require=requireFromHere(import.meta.url);";
    const format = esm ? ['--format=esm', banner] : ['--format=cjs'];
    // Decorators' metadata is what esbuild leaves out: what nest build has made is bundled.
    shell('npm', 'run', 'build');
    const main = ['dist/main.js', 'dist/src/main.js'].find((file) => existsSync(join(folder, file)));
    shell('npx', 'esbuild', main, '--bundle', '--platform=node', `--outfile=${bundle}`, ...format, ...externals);
    await boots(folder, env, [bundle]);
  });
}

/** The README's code, as a stranger pastes it, and the module in the scaffold's own. */
function paste(folder, esm) {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const [first, ...others] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  const put = (file, text) => writeFileSync(join(folder, file), text);
  const edit = (file, from, to) => {
    const text = readFileSync(join(folder, file), 'utf8');
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    put(file, text.replace(from, to));
  };
  put('src/main.ts', first);
  const whole = others.filter((code) => code.startsWith('import'));
  for (const [i, code] of whole.entries()) {
    // What the README leaves to its reader.
    const names = {
      save: 'declare function save(token: bigint): Promise<void>;',
      told: 'declare const told: string[];',
    };
    const declared = Object.entries(names).flatMap(([name, line]) =>
      new RegExp(`\\b${name}\\b`).test(code) ? [line] : [],
    );
    const exported = code.replaceAll(/^@Injectable\(\)\nclass /gm, '@Injectable()\nexport class ');
    put(`src/readme-${i + 1}.ts`, `${exported}\n${declared.join('\n')}\n`);
  }
  const test = others.find((code) => code.includes('LeaderElectionTestingModule'));
  const suffix = esm ? '.js' : '';
  put(
    'src/invoices.ts',
    `import { Injectable } from '@nestjs/common';
import { OnlyWhenLeader } from 'nestjs-leader';

@Injectable()
export class Invoices {
  @OnlyWhenLeader()
  send() {
    return 'sent';
  }
}
`,
  );
  put(
    'src/invoices.spec.ts',
    `import { Test } from '@nestjs/testing';
import { LeaderElectionTestingModule, LeadershipControl, withLeadership } from 'nestjs-leader/testing';
import { Invoices } from './invoices${suffix}';

describe('Invoices', () => {
  it('are sent by the leader alone', async () => {
    ${test.replaceAll('\n', '\n    ').trim()}
    expect(app.get(Invoices).send()).toBeUndefined();
    await app.close();
  });

  it('are sent in a plain unit test', async () => {
    const invoices = new Invoices();
    await withLeadership(invoices);
    expect(invoices.send()).toBe('sent');
  });
});
`,
  );
  edit('src/app.module.ts', 'imports: []', "imports: [LeaderElectionModule.forRoot({ leaseName: 'app' })]");
  edit(
    'src/app.module.ts',
    "from '@nestjs/common';\n",
    "from '@nestjs/common';\nimport { LeaderElectionModule } from 'nestjs-leader';\n",
  );
}

/** One prints; it is stopped, and the other goes on. */
async function startTwice(folder, env) {
  const one = new Replica(folder, env, 'npm', ['run', 'start']);
  try {
    await one.prints();
    const other = new Replica(folder, env, 'npm', ['run', 'start']);
    try {
      await other.says('Nest application successfully started');
      await sleep(2_500);
      if (other.lines(PRINTED) > 0) throw new Error(`both print\n${other.output}`);
      if (one.hasEnded) throw new Error(`the first has ended\n${one.output}`);
      const from = performance.now();
      await one.stop();
      await other.prints();
      if (performance.now() - from > 12_000) throw new Error('the other waited for the lease to expire');
    } finally {
      await other.stop();
    }
  } finally {
    await one.stop();
  }
}

async function boots(folder, env, args) {
  const replica = new Replica(folder, env, 'node', args);
  try {
    await replica.prints();
  } finally {
    await replica.stop();
  }
}

/** The folder of a Node of that major version. */
function binaryOf(major) {
  const known = nodes.get(major);
  if (known) return known;
  const folder = temporaryFolder(`node-${major}`);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  run(folder, 'npm', ['install', ...QUIET, `node@${major}`], 600_000);
  const path = join(folder, 'node_modules/node/bin');
  console.error(`Node ${execFileSync(join(path, 'node'), ['--version'], { encoding: 'utf8' }).trim()}`);
  nodes.set(major, path);
  return path;
}
