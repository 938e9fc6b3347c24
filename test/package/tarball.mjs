import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** A folder that is gone when the process ends. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `nestjs-leader-${name}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  return folder;
}

/** What `npm publish` would send, built anew. */
export function packTarball() {
  const folder = temporaryFolder('pack');
  const json = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // The build that runs before it prints on the same stream.
  const report = JSON.parse(json.slice(json.indexOf('[\n')))[0];
  const path = join(folder, report.filename);
  return {
    path,
    size: statSync(path).size,
    unpackedSize: report.unpackedSize,
    files: report.files.map((file) => file.path),
  };
}
