import { fileLease, kubernetesLease, memoryLease, type ElectionOptions } from 'nestjs-leader';
import { describe, expect, it } from 'vitest';
import { isSameLease } from '../../lib/registry/same-lease.js';

const store = memoryLease();
const cluster = kubernetesLease();
const lease = (options: Partial<ElectionOptions>): ElectionOptions => ({ leaseName: 'orders', store, ...options });

describe('two elections of an application', () => {
  it.each<[string, Partial<ElectionOptions>, Partial<ElectionOptions>]>([
    ['one store object', {}, {}],
    ['the default namespace, once by its name', {}, { namespace: 'default' }],
    [
      'two file stores of one directory',
      { store: fileLease({ directory: '.' }) },
      { store: fileLease({ directory: process.cwd() }) },
    ],
    ['two file stores of the default directory', { store: fileLease() }, { store: fileLease() }],
    ["the pod's namespace", { store: cluster }, { store: cluster }],
  ])('share a lease: %s', (_, one, other) => {
    expect(isSameLease(lease(one), lease(other))).toBe(true);
  });

  it.each<[string, Partial<ElectionOptions>, Partial<ElectionOptions>]>([
    ['another name', {}, { leaseName: 'reports' }],
    ['another namespace', {}, { namespace: 'reports' }],
    ['another store in memory', {}, { store: memoryLease() }],
    ['another directory', { store: fileLease({ directory: 'a' }) }, { store: fileLease({ directory: 'b' }) }],
    ["a pod's namespace, which may be any", { store: cluster }, { store: cluster, namespace: 'default' }],
  ])('have one each: %s', (_, one, other) => {
    expect(isSameLease(lease(one), lease(other))).toBe(false);
  });
});
