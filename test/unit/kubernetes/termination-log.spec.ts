import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { leaveLastWords, NONCE_LINE, proofOf } from '../../../lib/stores/kubernetes/crash/termination-log.js';

function container(root: string | null, written = '') {
  const directory = mkdtempSync(join(tmpdir(), 'termination-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const files = { terminationLog: join(directory, 'termination-log'), mounts: join(directory, 'mountinfo') };
  writeFileSync(files.terminationLog, written);
  const other = '700 600 0:50 / /proc rw - proc proc rw';
  const mount = root === null ? [] : [`701 600 8:1 ${root} ${files.terminationLog} rw,relatime - ext4 /dev/sda1 rw`];
  writeFileSync(files.mounts, [other, ...mount, ''].join('\n'));
  return { ...files, log: () => readFileSync(files.terminationLog, 'utf8') };
}

describe('the termination log of a container', () => {
  it('gets a nonce on a line of its own, and tells which container it belongs to', () => {
    const files = container('/kubelet/pods/u1/containers/app/5b3f', 'something');
    const { container: name, uid, proof } = leaveLastWords(files);
    expect({ name, uid }).toEqual({ name: 'app', uid: 'u1' });
    const [before, line] = files.log().split('\n');
    expect(before).toBe('something');
    expect(proofOf(NONCE_LINE.exec(line!)![1]!)).toBe(proof);
  });

  it('has another nonce each time', () => {
    const files = container('/pods/u1/containers/app/5b3f');
    expect(leaveLastWords(files).proof).not.toBe(leaveLastWords(files).proof);
  });

  it('is not written to where it is no mount of its own', () => {
    const files = container(null);
    expect(() => leaveLastWords(files)).toThrow('is no mount of its own');
    expect(files.log()).toBe('');
  });

  it('is not written to where the mount names no container', () => {
    const files = container('/var/lib/docker/volumes/x');
    expect(() => leaveLastWords(files)).toThrow('names no container of a Pod');
    expect(files.log()).toBe('');
  });
});
