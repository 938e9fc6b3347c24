import { describe, expect, it } from 'vitest';
import { snapshotOf, stateOf } from '../../../lib/stores/postgres/codec.js';

const readable = {
  deleted: false,
  token: '7',
  version: '1.7',
  uid: 'a.1',
  holder: 'someone',
  duration: 15_000,
  acquiredAt: 1,
  renewedAt: 2,
  transitions: 3,
  term: 'term',
  writeId: 'write',
};
const told = (change: object) => stateOf(JSON.stringify({ ...readable, ...change }));

describe('a row of the lease, as answers and notifications tell it', () => {
  it('is read as it is', () => {
    const { deleted: _deleted, token: _token, version, uid, ...record } = readable;
    expect(stateOf(JSON.stringify(readable))).toEqual({
      snapshot: { token: 7n, lease: { record, version, uid } },
      unreadable: [],
    });
  });

  it.each([
    ['renewed_at', { renewedAt: 'Infinity' }],
    ['renewed_at', { renewedAt: -1 }],
    ['renewed_at', { renewedAt: 9e15 }],
    ['acquired_at', { acquiredAt: '-Infinity' }],
    ['duration_ms', { duration: 'NaN' }],
    ['duration_ms', { duration: 'Infinity' }],
    ['duration_ms', { duration: -5 }],
    ['duration_ms', { duration: 1e300 }],
    ['duration_ms', { duration: null }],
    ['transitions', { transitions: 2 ** 63 }],
    ['transitions', { transitions: -1 }],
    ['holder', { holder: '' }],
    ['holder', { holder: 5 }],
    ['term', { term: '' }],
    ['write_id', { writeId: {} }],
    ['uid', { uid: null }],
  ])('whose %s cannot be read (%j) is held by somebody unknown', (column, change) => {
    const { snapshot, unreadable } = told(change);
    expect(unreadable.map((one) => one.column)).toEqual([column]);
    expect(snapshot.token).toBe(7n);
    expect(snapshot.lease?.version).toBe('1.7');
    expect(snapshot.lease?.uid).toEqual(expect.any(String));
    expect(snapshot.lease?.record).toEqual({
      holder: 'unreadable version 1.7',
      duration: column === 'duration_ms' ? 0 : 15_000,
      acquiredAt: null,
      renewedAt: null,
      transitions: 0,
      term: null,
      writeId: null,
    });
  });

  it('that is a tombstone is absent, whatever it says', () => {
    expect(told({ deleted: true, renewedAt: 'Infinity' })).toEqual({
      snapshot: { lease: null, token: 7n },
      unreadable: [],
    });
  });

  it('has no age where the server cannot tell one', () => {
    expect(snapshotOf(JSON.stringify(readable), Number.NaN).lease).not.toHaveProperty('age');
    expect(snapshotOf(JSON.stringify(readable), Number.POSITIVE_INFINITY).lease).not.toHaveProperty('age');
  });

  it.each([
    '',
    'no JSON',
    '[]',
    '5',
    'null',
    '{}',
    ...[{ token: '-1' }, { token: 7 }, { token: '9223372036854775808' }, { version: null }, { deleted: 'f' }].map(
      (change) => JSON.stringify({ ...readable, ...change }),
    ),
  ])('is not this: %s', (text) => {
    expect(() => snapshotOf(text)).toThrow(expect.objectContaining({ code: 'STORE_BAD_DATA' }));
  });
});
