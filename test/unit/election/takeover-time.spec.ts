import { describe, expect, it } from 'vitest';
import type { LeaseRecord } from '../../../lib/election/lease-record.js';
import type { Snapshot } from '../../../lib/election/lease-store.js';
import { TakeoverTime } from '../../../lib/election/rules/takeover-time.js';

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
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('before', {}), 0);
    takeover.see(lease('after', {}), 9_000);
    expect(takeover.openFrom).toBe(24_000);
  });

  it('is waited out although it shows a release: whoever came after it may believe on', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('before', {}), 0);
    takeover.see(lease('before', { holder: null, writeId: 'released' }), 1_000);
    takeover.see(lease('after', { holder: null, writeId: 'released' }), 2_000);
    expect(takeover.openFrom).toBe(17_000);
  });

  it('is waited out although it names this very replica', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('before', { holder: 'me' }), 0);
    takeover.see(lease('after', { holder: 'me' }), 2_000);
    expect(takeover.openFrom).toBe(17_000);
  });

  it('is waited out for the longer of the durations that were claimed', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('before', { duration: 60_000 }), 0);
    takeover.see(lease('after', {}), 1_000);
    expect(takeover.openFrom).toBe(61_000);
  });

  it('says by itself for how long its holder trusts it, whatever an edit of the one before it said', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('before', { duration: 2_000 }), 0);
    takeover.see(lease('after', { renewedAt: 3, writeId: 'first' }), 1_000);
    takeover.see(lease('after', { renewedAt: 4, writeId: 'second', duration: 2_000 }), 5_000);
    expect(takeover.openFrom).toBe(20_000);
  });

  it('is an ordinary lease from then on', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('before', {}), 0);
    takeover.see(lease('after', {}), 1_000);
    takeover.see(lease('after', { holder: null, writeId: 'released' }), 2_000);
    expect(takeover.openFrom).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('a lease that somebody holds', () => {
  it('is waited out for what its holder trusts, although an edit names another holder and a shorter duration', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('uid', {}), 0);
    takeover.see(lease('uid', { holder: 'admin', duration: 2_000 }), 1_000);
    expect(takeover.openFrom).toBe(16_000);
  });

  it('is open when its duration has passed since it was first seen, and a label edit does not prolong that', () => {
    const takeover = new TakeoverTime(rules);
    expect(takeover.see(lease('one', {}), 1_000)).toBe(true);
    expect(takeover.see(lease('one', {}), 9_000)).toBe(false);
    expect(takeover.openFrom).toBe(16_000);
  });

  it('is counted from its last write where the store tells its age, and never from later than it was seen', () => {
    for (const [age, openFrom] of [
      [4_000, 12_000],
      [-4_000, 16_000],
    ] as const) {
      const takeover = new TakeoverTime(rules);
      const seen = lease('one', {});
      takeover.see({ ...seen, lease: { ...seen.lease!, age } }, 1_000);
      expect(takeover.openFrom).toBe(openFrom);
    }
  });

  it('is open no earlier for a duration that was shortened under an unchanged renewal, whoever wrote it', () => {
    for (const writeId of ['w', null]) {
      const takeover = new TakeoverTime(rules);
      takeover.see(lease('one', {}), 0);
      takeover.see(lease('one', { duration: 1_000, writeId }), 5_000);
      expect(takeover.openFrom).toBeGreaterThanOrEqual(15_000);
    }
  });

  it('is open later for a duration that was lengthened under an unchanged renewal', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', {}), 0);
    takeover.see(lease('one', { duration: 60_000 }), 5_000);
    expect(takeover.openFrom).toBe(60_000);
  });

  it('is open as soon as its holder is proven dead, and closed again by the next sign of life', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', {}), 0);
    takeover.holderIsGone();
    expect(takeover.openFrom).toBe(Number.NEGATIVE_INFINITY);
    takeover.see(lease('one', { writeId: 'another', renewedAt: 3 }), 1_000);
    expect(takeover.openFrom).toBe(16_000);
  });

  it('is open at once to the one that it names, who knows that it does not believe', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', { holder: 'me' }), 0);
    expect(takeover.openFrom).toBe(Number.NEGATIVE_INFINITY);
  });

  it('is given the grace only if its holder is not one of ours', () => {
    for (const [writeId, openFrom] of [
      ['w', 15_000],
      [null, 18_000],
    ] as const) {
      const takeover = new TakeoverTime({ ...rules, takeoverGrace: 3_000 });
      takeover.see(lease('one', { writeId, term: writeId }), 0);
      expect(takeover.openFrom).toBe(openFrom);
    }
  });
});

describe('a lease without a holder', () => {
  const foreign = { term: null, writeId: null };
  const released = { holder: null, duration: 1_000, acquiredAt: 9, renewedAt: 9, ...foreign };
  const openAfter = (...states: Snapshot[]) => {
    const takeover = new TakeoverTime(rules);
    for (const [second, state] of states.entries()) takeover.see(state, second * 1_000);
    return takeover.openFrom;
  };
  const AT_ONCE = Number.NEGATIVE_INFINITY;

  it('is open at once if the term that held it let go', () => {
    expect(openAfter(lease('one', {}), lease('one', { holder: null, writeId: 'r' }))).toBe(AT_ONCE);
  });

  it("is open at once in the shape of client-go's release after a foreign holder, and waited out after one of ours", () => {
    expect(openAfter(lease('one', foreign), lease('one', released))).toBe(AT_ONCE);
    expect(openAfter(lease('one', {}), lease('one', released))).toBe(16_000);
  });

  it('is waited out in that shape if somebody has held it since that foreign holder: client-go may have emptied the lease of one of ours', () => {
    expect(openAfter(lease('one', foreign), lease('one', { ...released, transitions: 1 }))).toBe(16_000);
  });

  it('is waited out if it was blanked in any other way, also after a foreign holder', () => {
    expect(openAfter(lease('one', foreign), lease('one', { ...foreign, holder: null }))).toBe(16_000);
    expect(openAfter(lease('one', foreign), lease('one', { ...released, acquiredAt: 8 }))).toBe(16_000);
  });

  it('is waited out by a replica that comes to it later, unless it never had one', () => {
    expect(openAfter(lease('one', released))).toBe(15_000);
    expect(openAfter(lease('one', { ...released, acquiredAt: null, renewedAt: null }))).toBe(AT_ONCE);
  });

  it('is open at once to the one under whom it was blanked, if nobody came between', () => {
    const own = { holder: 'me', transitions: 4 };
    const blank = { ...foreign, holder: null };
    expect(openAfter(lease('one', own), lease('one', { ...blank, transitions: 4 }))).toBe(AT_ONCE);
    expect(openAfter(lease('one', own), lease('one', { ...blank, transitions: 5 }))).toBe(16_000);
  });
});

describe('an absent lease', () => {
  const absent: Snapshot = { token: 2n, lease: null };

  it('is open at once to a replica that never saw a holder', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(absent, 0);
    expect(takeover.openFrom).toBe(Number.NEGATIVE_INFINITY);
  });

  it('is waited out from when it was first seen absent, for the holder that it was deleted under', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', { duration: 30_000 }), 0);
    takeover.see(absent, 5_000);
    expect(takeover.see(absent, 9_000)).toBe(false);
    expect(takeover.openFrom).toBe(35_000);
    expect(takeover.lastHeld?.holder).toBe('other');
  });
});

describe('a lease whose holder is proven dead', () => {
  it('is open at once, and stays so when a renewal arrives that the dead had sent', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', {}), 0);
    takeover.see(lease('one', { renewedAt: 3, writeId: 'renewal' }), 20_000);
    expect(takeover.openFrom).toBe(35_000);
    takeover.holderHasCrashed();
    expect(takeover.openFrom).toBeLessThanOrEqual(20_000);
    takeover.see(lease('one', { renewedAt: 4, writeId: 'late' }), 21_000);
    expect(takeover.openFrom).toBeLessThanOrEqual(21_000);
  });

  it('is waited out for the first lease duration of its term: what kills its leader must not kill all of them at once', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', {}), 0);
    takeover.see(lease('one', { renewedAt: 3, writeId: 'renewal' }), 5_000);
    takeover.holderHasCrashed();
    expect(takeover.openFrom).toBe(15_000);
  });

  it('is waited out again under the next term, also of the same name', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', {}), 0);
    takeover.see(lease('one', { renewedAt: 3, writeId: 'renewal' }), 20_000);
    takeover.holderHasCrashed();
    takeover.see(lease('one', { renewedAt: 4, writeId: 'claim', term: 'next' }), 21_000);
    expect(takeover.openFrom).toBe(36_000);
  });
});

describe('a lease that a third party has blanked', () => {
  it('is waited out for the duration that it still shows: its last holder may never have been seen', () => {
    const takeover = new TakeoverTime(rules);
    takeover.see(lease('one', { duration: 10_000 }), 0);
    takeover.see(lease('one', { holder: null, term: null, writeId: null, renewedAt: 9, duration: 30_000 }), 20_000);
    expect(takeover.openFrom).toBe(50_000);
  });
});
