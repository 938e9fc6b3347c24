// npm run test:smoke: the packed package in an empty project, imported and required, with nothing optional installed.
import { installProject, nest, run } from './project.mjs';
import { packTarball } from './tarball.mjs';

const tarball = packTarball();
const project = installProject('smoke', [tarball.path, ...nest(12), 'typescript@6', '@types/node@20']);
for (const resolution of ['nodenext', 'node16', 'bundler', 'node10']) {
  run(project, 'npx', ['tsc', '-p', `tsconfig.${resolution}.json`]);
  console.log(`types resolve under ${resolution}`);
}
for (const script of ['out/app.js', 'out/require.cjs']) {
  if (run(project, process.execPath, [script]).trim() !== 'ok') throw new Error(`${script} did not say ok`);
  console.log(`${script} runs`);
}
