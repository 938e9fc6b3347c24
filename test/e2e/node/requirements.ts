import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { nodeBinariesAreBuilt } from './binaries.js';
import { deviceSocket } from './machine-folders.js';

/** Where runc and mount tools live on many distributions, though not on the PATH of every shell. */
export const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

/** What this machine lacks for a node, each with what to do about it; empty if nothing. */
export function missingForNode(): string[] {
  if (process.platform !== 'linux')
    return ['Linux: containers share its kernel. Elsewhere, run this in a virtual machine.'];
  const missing: string[] = [];
  if (process.getuid?.() !== 0)
    missing.push('root: mounts and cgroups need it. Type before the command: sudo env "PATH=$PATH"');
  const runc = output('runc', '--version');
  if (runc === undefined)
    missing.push('runc, which runs the containers. Type: apt-get update && apt-get install -y runc');
  else if (!/^libseccomp/m.test(runc))
    missing.push('a runc with seccomp, without which it refuses Pods. Type: apt-get update && apt-get install -y runc');
  // The path of this socket cannot be set, and a second kubelet would take it from the first.
  if (existsSync(deviceSocket))
    missing.push(`a machine without another kubelet. If none runs, type: rm ${deviceSocket}`);
  const tools = ['tar', 'ldd'].filter((tool) => output(tool, '--version') === undefined);
  if (tools.length > 0) missing.push(`${tools.join(', ')}, for images. Type: apt-get install -y tar libc-bin`);
  if (!nodeBinariesAreBuilt() && output('go', 'version') === undefined)
    missing.push('Go, which builds the kubelet and containerd, once. Install it from https://go.dev/dl');
  return missing;
}

/** @throws Error that names all that is missing, for people to read */
export function requireNode(): void {
  const missing = missingForNode();
  if (missing.length === 0) return;
  throw new Error(`A node cannot run here. Missing:\n${missing.map((line) => `  - ${line}`).join('\n')}`);
}

function output(command: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: searchPath } });
  return status === 0 ? stdout : undefined;
}
