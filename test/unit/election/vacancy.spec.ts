import { describe, expect, it } from 'vitest';
import type { LeaseRecord } from '../../../lib/election/lease-record.js';
import type { Snapshot } from '../../../lib/election/lease-store.js';
import { Vacancy } from '../../../lib/election/vacancy.js';

const rules = { identity: 'me', leaseDuration: 15_000, takeoverGrace: 0 };

function lease(uid: string, record: Partial<LeaseRecord>): Snapshot {
  const base = {
    holder: 'other',
    duration: 15_000,
    acquiredAt: 1,
    renewedAt: 2,
    transitions: 0,
    term: 't',
    writeId: 'w',
  };
  return { token: 1n, lease: { record: { ...base, ...record }, version: uid, uid } };
}

describe('a lease that is not the one it was (a store that failed over and lost writes)', () => {
  it('is waited out from now although its record has been seen before', () => {
    const vacancy = new Vacancy(rules);
    vacancy.see(lease('before', {}), 0);
    vacancy.see(lease('after', {}), 9_000);
    expect(vacancy.openFrom).toBe(24_000);
  });

  it('is waited out although it shows a release: whoever came after it may believe on', () => {
    const vacancy = new Vacancy(rules);
    vacancy.see(lease('before', {}), 0);
    vacancy.see(lease('before', { holder: null, writeId: 'released' }), 1_000);
    vacancy.see(lease('after', { holder: null, writeId: 'released' }), 2_000);
    expect(vacancy.openFrom).toBe(17_000);
  });

  it('is waited out although it names this very replica', () => {
    const vacancy = new Vacancy(rules);
    vacancy.see(lease('before', { holder: 'me' }), 0);
    vacancy.see(lease('after', { holder: 'me' }), 2_000);
    expect(vacancy.openFrom).toBe(17_000);
  });

  it('is waited out for the longer of the durations that were claimed', () => {
    const vacancy = new Vacancy(rules);
    vacancy.see(lease('before', { duration: 60_000 }), 0);
    vacancy.see(lease('after', {}), 1_000);
    expect(vacancy.openFrom).toBe(61_000);
  });

  it('is an ordinary lease from then on', () => {
    const vacancy = new Vacancy(rules);
    vacancy.see(lease('before', {}), 0);
    vacancy.see(lease('after', {}), 1_000);
    vacancy.see(lease('after', { holder: null, writeId: 'released' }), 2_000);
    expect(vacancy.openFrom).toBe(Number.NEGATIVE_INFINITY);
  });
});
