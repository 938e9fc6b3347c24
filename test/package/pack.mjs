// npm run test:pack: what would be published resolves everywhere, says what it is, and holds what it should.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packTarball, repository } from './tarball.mjs';

const { path, size, unpackedSize, files } = packTarball();
const bin = (name, ...args) => execFileSync('npx', [name, ...args], { cwd: repository, stdio: 'inherit' });

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} kB`;
console.log(`${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`);
const stray = files.filter(
  (file) => !/^(dist\/.*\.(c?js|d\.c?ts)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(file),
);
if (stray.length > 0) throw new Error(`not to be published: ${stray.join(', ')}`);
// Chunks are what the entries share: nobody can import them by name.
const undeclared = files.filter(
  (file) =>
    /^(?!dist\/chunks\/).*\.c?js$/.test(file) &&
    !files.includes(file.replace(/js$/, 'ts').replace(/\.(c?ts)$/, '.d.$1')),
);
if (undeclared.length > 0) throw new Error(`without declarations: ${undeclared.join(', ')}`);

// No source maps: the bundles are the sources without their types, comments and file names included, and maps would double the package.
const dangling = files.filter((file) => /\/\/# sourceMappingURL=/.test(readFileSync(join(repository, file), 'utf8')));
if (dangling.length > 0) throw new Error(`with a source map that is not there: ${dangling.join(', ')}`);

bin('publint', 'run', path, '--strict');
bin('attw', path);
