// npm run test:matrix: the packed package on every supported Node, Nest and @kubernetes/client-node, from ESM and from CommonJS, and in
// a user's unit test under Vitest and Jest.
// usage: matrix.mjs [--report FILE]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addPackage, installProject, nest, run } from './project.mjs';
import { packTarball, temporaryFolder } from './tarball.mjs';

const NODES = [20, 22, 24];
const NESTS = [11, 12];
const CLIENTS = [1, 2];

/** As docs/testing.md says; both print nothing that matters when they succeed. */
const UNIT_TESTS = {
  vitest: ['node_modules/vitest/vitest.mjs', 'run'],
  jest: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'],
};
/** As the store loads it, for a kubeconfig that leads nowhere. */
const LOAD_CLIENT = `
  import { kubernetesLease } from 'nestjs-leader';
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser({ name: 'c', server: 'https://127.0.0.1:1' }, { name: 'u', token: 't' });
  const lease = kubernetesLease({ kubeConfig }).open({ name: 'x', namespace: 'default' });
  const error = await lease.read(AbortSignal.timeout(5000)).catch((error) => error);
  if (error.code !== 'STORE_FAILED' && error.code !== 'STORE_TIMEOUT') throw error;
  console.log('ok');
  process.exit();`;
/** It is written for newer Nodes and does not load on this one, with or without this package. */
const CANNOT_LOAD = (node, client) => node === 20 && client === 2;

const tarball = packTarball();
const nodes = new Map(
  NODES.map((major) => {
    const folder = temporaryFolder(`node-${major}`);
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    run(folder, 'npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', `node@${major}`], 600_000);
    const path = join(folder, 'node_modules/node/bin/node');
    return [major, { path, version: run(folder, path, ['--version']).trim() }];
  }),
);

const rows = [];
for (const nestMajor of NESTS) {
  const project = installProject(`nest-${nestMajor}`, [
    tarball.path,
    ...nest(nestMajor),
    'typescript@6',
    '@types/node@20',
    `@kubernetes/client-node@${CLIENTS[0]}`,
    `@nestjs/testing@${nestMajor}`,
    'vitest@4.1',
    'jest@30',
    '@swc/jest',
    '@swc/core',
  ]);
  run(project, 'npx', ['tsc', '-p', 'tsconfig.nodenext.json']);
  writeFileSync(join(project, 'client.mjs'), LOAD_CLIENT);
  const ofThisNest = [...nodes].map(([major, { version, path }]) => ({
    major,
    path,
    row: { node: version, nest: nestMajor, import: '', require: '' },
  }));
  const check = ({ path, row }, column, ...script) => {
    try {
      const output = run(project, path, script);
      row[column] = column in UNIT_TESTS ? 'ok' : output.trim();
    } catch (error) {
      row[column] = 'FAILED';
      console.error(`Node ${row.node}, Nest ${nestMajor}, ${column}: ${error.message}`);
    }
    console.log(`Node ${row.node}, Nest ${nestMajor}, ${column}: ${row[column]}`);
  };
  for (const cell of ofThisNest) check(cell, 'import', 'out/app.js');
  for (const cell of ofThisNest) check(cell, 'require', 'out/require.cjs');
  for (const [runner, script] of Object.entries(UNIT_TESTS))
    for (const cell of ofThisNest) check(cell, runner, ...script);

  for (const client of CLIENTS) {
    if (client !== CLIENTS[0]) addPackage(project, `@kubernetes/client-node@${client}`);
    for (const cell of ofThisNest) {
      const column = `client-node ${client}.x`;
      if (CANNOT_LOAD(cell.major, client)) cell.row[column] = 'does not load there';
      else check(cell, column, 'client.mjs');
    }
  }
  rows.push(...ofThisNest.map(({ row }) => row));
}

console.table(rows);
const failed = rows.flatMap((row) => Object.values(row)).filter((cell) => cell === 'FAILED').length;
const report = process.argv.indexOf('--report');
if (report !== -1) writeFileSync(process.argv[report + 1], JSON.stringify({ rows, failed }, null, 2));
process.exitCode = failed === 0 ? 0 : 1;
