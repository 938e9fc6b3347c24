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

/** The packages that can be had, each with a folder in which it can be imported; says of the others why not. */
export function installed(peers: readonly Peer[]): (Peer & { folder: string })[] {
  return peers.flatMap((peer) => {
    const { folder, error } = install(`${peer.name}@${peer.version}`);
    if (error) console.log(`${peer.name}@${peer.version} cannot be had: npm says ${error}.`);
    return error ? [] : [{ ...peer, folder }];
  });
}

const folders = new Map<string, ReturnType<typeof install>>();
process.on('exit', () => folders.forEach(({ folder }) => rmSync(folder, { recursive: true, force: true })));

/** Installs what `npm install` is given, once a run, without its peer dependencies; `error` is npm's word for what went wrong. */
export function install(what: string): { folder: string; error?: string } {
  const known = folders.get(what);
  if (known) return known;
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-leader-peer-'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps', '--loglevel=error'];
  const { status, stderr } = spawnSync('npm', ['install', ...options, what], { cwd: folder, encoding: 'utf8' });
  const error = status === 0 ? undefined : (/npm error code (\w+)/.exec(stderr)?.[1] ?? `exit code ${status}`);
  const result = { folder, error };
  folders.set(what, result);
  return result;
}
