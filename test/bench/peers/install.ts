import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Peer {
  readonly name: string;
  readonly version: string;
}

/** The npm packages that elect a leader by a Kubernetes Lease. */
export const PEERS: readonly Peer[] = [
  { name: '@codedependant/kubernetes-leader-election', version: '1.0.1' },
  { name: 'nestjs-k8s-leader-election', version: '2.0.0' },
  { name: 'leader-election', version: '1.0.2' },
];

/** A folder in which the package can be imported, or why it cannot be had. Removed when the process exits. */
export function install({ name, version }: Peer): { folder: string } | { missing: string } {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-leader-peer-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', `${name}@${version}`],
    { cwd: folder, encoding: 'utf8' },
  );
  if (status === 0) return { folder };
  const code = /npm error code (\w+)/.exec(stderr)?.[1];
  return { missing: `${name}@${version}: npm install fails${code ? ` (${code})` : ''}` };
}
