import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { quoted } from '../../../election/report/quoted.js';

/** Where the kubelet looks for a container's last words, unless the Pod says otherwise. */
const TERMINATION_LOG = '/dev/termination-log';
const MOUNTS = '/proc/self/mountinfo';

/** The files in question; tests have others. */
export interface ContainerFiles {
  readonly terminationLog: string;
  readonly mounts: string;
}

export const CONTAINER_FILES: ContainerFiles = { terminationLog: TERMINATION_LOG, mounts: MOUNTS };

/** What stands in this container's termination log from now on. */
export interface LastWords {
  readonly container: string;
  /** Of the Pod, as the mount names it. */
  readonly uid: string;
  /** SHA-256 of the nonce. */
  readonly proof: string;
}

/** The line of a log that carries a nonce. */
export const NONCE_LINE = /^leader=([0-9a-f]{32})$/;

export function proofOf(nonce: string): string {
  return createHash('sha256').update(nonce).digest('hex');
}

/**
 * Leaves a nonce in the container's termination log, which the kubelet shows as the container's message once it is dead.
 *
 * @throws Error that says why it cannot be done here
 */
export function leaveLastWords({ terminationLog, mounts }: ContainerFiles = CONTAINER_FILES): LastWords {
  const { container, uid } = whereMounted(terminationLog, readFileSync(mounts, 'utf8'));
  const nonce = randomBytes(16).toString('hex');
  const line = `leader=${nonce}`;
  // After whatever stands there, and on a line of its own.
  appendFileSync(terminationLog, `\n${line}\n`);
  if (!readFileSync(terminationLog, 'utf8').split('\n').includes(line))
    throw new Error(`what was written to ${terminationLog} does not stand there`);
  return { container, uid, proof: proofOf(nonce) };
}

/** The kubelet mounts a file of its own there, `…/pods/<uid>/containers/<name>/<file>`: who else would show it to nobody. */
function whereMounted(path: string, mounts: string): { uid: string; container: string } {
  for (const mount of mounts.split('\n')) {
    const [, , , root = '', point = ''] = mount.split(' ');
    if (unescaped(point) !== path) continue;
    const [, uid, container] = /\/pods\/([^/]+)\/containers\/([^/]+)\/[^/]+$/.exec(unescaped(root)) ?? [];
    if (uid !== undefined && container !== undefined) return { uid, container };
    throw new Error(`${path} is mounted from ${quoted(root)}, which names no container of a Pod`);
  }
  throw new Error(`${path} is no mount of its own`);
}

/** Blanks and the like stand in octal there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
