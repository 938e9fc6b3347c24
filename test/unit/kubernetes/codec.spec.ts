import { describe, expect, it } from 'vitest';
import { decodeLease, encodeLease } from '../../../lib/stores/kubernetes/codec.js';
import type { LeaseObject } from '../../../lib/stores/kubernetes/lease-object.js';
import type { LeaseRecord } from '../../../lib/election/lease-record.js';

const id = { name: 'orders', namespace: 'default' };
const record: LeaseRecord = {
  holder: 'a_1',
  duration: 15_000,
  acquiredAt: Date.UTC(2026, 10, 23, 12, 0, 0),
  renewedAt: Date.UTC(2026, 10, 23, 12, 0, 3) + 0.001,
  transitions: 4,
  term: 'term-1',
  writeId: 'write-1',
};

/** A Lease as client-go leaves it, in a cluster where others have put things on it. */
const foreign = (spec: object = {}): LeaseObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {
    ...id,
    uid: 'uid-1',
    resourceVersion: '41',
    labels: { team: 'orders' },
    annotations: { note: 'do not delete' },
    managedFields: [{ time: '2026-11-23T12:00:00Z' }],
    ownerReferences: [{ kind: 'Deployment', name: 'orders' }],
  },
  spec: {
    holderIdentity: 'go_1',
    leaseDurationSeconds: 15,
    acquireTime: '2026-11-23T11:00:00.000000Z',
    renewTime: '2026-11-23T12:00:00.123456Z',
    leaseTransitions: 3,
    ...spec,
  },
});

describe('a Lease on the wire', () => {
  it('brings back the record that was written, to the microsecond', () => {
    expect(decodeLease(encodeLease(foreign(), id, record))).toEqual(record);
    expect(decodeLease(encodeLease(null, id, record))).toEqual(record);
  });

  it('states times with exactly six fractional digits, which is all that the API server accepts', () => {
    const { spec } = encodeLease(null, id, record);
    expect(spec?.acquireTime).toBe('2026-11-23T12:00:00.000000Z');
    expect(spec?.renewTime).toBe('2026-11-23T12:00:03.000001Z');
  });

  it('rounds a fraction of a second up, so that nobody comes in before the holder stops trusting it', () => {
    expect(encodeLease(null, id, { ...record, duration: 10_001 }).spec?.leaseDurationSeconds).toBe(11);
  });

  it('leaves out a duration that is not stated: the API server refuses zero', () => {
    const { spec } = JSON.parse(JSON.stringify(encodeLease(foreign(), id, { ...record, duration: 0 })));
    expect(spec).not.toHaveProperty('leaseDurationSeconds');
  });

  it('releases as client-go does: an empty holder', () => {
    expect(encodeLease(foreign(), id, { ...record, holder: null }).spec?.holderIdentity).toBe('');
  });

  it('keeps every field, label and annotation that it does not know', () => {
    const before = {
      ...foreign({ strategy: 'OldestEmulationVersion', preferredHolder: 'b', from2031: { x: 1 } }),
      more: 1,
    };
    const after = encodeLease(before, id, record);
    expect(after).toMatchObject({
      more: 1,
      metadata: {
        labels: { team: 'orders' },
        annotations: { note: 'do not delete' },
        ownerReferences: [{ kind: 'Deployment', name: 'orders' }],
      },
      spec: { strategy: 'OldestEmulationVersion', preferredHolder: 'b', from2031: { x: 1 } },
    });
  });

  it('goes back under the uid and the version that were seen, without the bulk of managedFields', () => {
    const { metadata } = encodeLease(foreign(), id, record);
    expect(metadata).toMatchObject({ uid: 'uid-1', resourceVersion: '41' });
    expect(metadata).not.toHaveProperty('managedFields');
  });

  it('is created with nothing but its name and what it says', () => {
    const { metadata } = encodeLease(null, { ...id, secret: 'x' } as typeof id, record);
    expect(Object.keys(metadata).toSorted()).toEqual(['annotations', 'name', 'namespace']);
  });
});

describe('a Lease without room for our mark', () => {
  it('says the same in the fields that everybody knows, and keeps no mark of before', () => {
    const before = encodeLease(foreign(), id, { ...record, writeId: 'earlier' });
    const bare = encodeLease(before, id, record, { isAnnotated: false });
    expect(bare.metadata.annotations).toEqual({ note: 'do not delete' });
    expect(decodeLease(bare)).toEqual({ ...record, term: null, writeId: null });
  });
});

describe('a Lease that others wrote', () => {
  it('has neither term nor writeId', () => {
    expect(decodeLease(foreign())).toEqual({
      holder: 'go_1',
      duration: 15_000,
      acquiredAt: Date.UTC(2026, 10, 23, 11),
      renewedAt: (Date.UTC(2026, 10, 23, 12) * 1000 + 123_456) / 1000,
      transitions: 3,
      term: null,
      writeId: null,
    });
  });

  it.each([
    ['took it over', { holderIdentity: 'go_2' }],
    ['blanked its holder', { holderIdentity: '' }],
    ['removed its holder', { holderIdentity: null }],
    ['renewed it', { renewTime: '2026-11-23T12:00:04.000000Z' }],
    ['removed its renew time', { renewTime: undefined }],
  ])('loses the mark of our write once somebody %s', (_what, change) => {
    const ours = encodeLease(foreign(), id, record);
    const edited = { ...ours, spec: { ...ours.spec, ...change } };
    expect(decodeLease(edited)).toMatchObject({ term: null, writeId: null });
  });

  it('keeps the mark of our write through an edit of labels', () => {
    const ours = encodeLease(foreign(), id, record);
    const edited = { ...ours, metadata: { ...ours.metadata, resourceVersion: '42', labels: {} } };
    expect(decodeLease(edited)).toEqual(record);
  });

  it('lasts as long as its holder meant it, when somebody shortens the field alone', () => {
    const ours = encodeLease(foreign(), id, record);
    const lasting = (seconds: unknown) =>
      decodeLease({ ...ours, spec: { ...ours.spec, leaseDurationSeconds: seconds } }).duration;
    expect([5, undefined, 'short', 15, 60].map(lasting)).toEqual([15_000, 15_000, 15_000, 15_000, 60_000]);
    // Of another holder or time it says nothing.
    const taken = { ...ours, spec: { ...ours.spec, holderIdentity: 'go_2', leaseDurationSeconds: 5 } };
    expect(decodeLease(taken).duration).toBe(5_000);
  });

  it('keeps the mark of a release, and loses it when client-go blanks the holder again', () => {
    const released = encodeLease(foreign(), id, { ...record, holder: null });
    expect(decodeLease(released)).toMatchObject({ holder: null, term: 'term-1' });
    const again = { ...released, spec: { ...released.spec, renewTime: '2026-11-23T12:00:09.000000Z' } };
    expect(decodeLease(again)).toMatchObject({ holder: null, term: null });
  });

  it.each([['not json'], ['null'], ['[]'], ['{"holder":7}'], ['']])('survives the annotation %j', (annotation) => {
    const lease = foreign();
    const edited = { ...lease, metadata: { ...lease.metadata, annotations: { 'nestjs-leader/write': annotation } } };
    expect(decodeLease(edited)).toMatchObject({ holder: 'go_1', term: null, writeId: null });
  });

  it.each([[null], [undefined], ['']])('reads a holder of %j as nobody', (holderIdentity) => {
    expect(decodeLease(foreign({ holderIdentity })).holder).toBeNull();
  });

  it('takes a holder of a strange type for somebody: it is kept away from', () => {
    expect(decodeLease(foreign({ holderIdentity: { a: 1 } })).holder).toBe('{"a":1}');
  });

  it('reads garbage as if it were not there', () => {
    const garbage = {
      leaseDurationSeconds: 'many',
      acquireTime: 12,
      renewTime: 'yesterday',
      leaseTransitions: -1,
    };
    const nothing = { duration: 0, acquiredAt: null, renewedAt: null, transitions: 0 };
    expect(decodeLease(foreign(garbage))).toMatchObject(nothing);
    expect(decodeLease({ ...foreign(), spec: undefined })).toMatchObject({ holder: null, ...nothing });
    for (const seconds of [0, -1, 1.5, NaN, Infinity, 1e99, null]) {
      const { duration } = decodeLease(foreign({ leaseDurationSeconds: seconds }));
      expect(duration === 0 || duration === (2 ** 31 - 1) * 1000).toBe(true);
    }
  });

  it('reads times of any precision and zone', () => {
    const renewedAt = (renewTime: string) => decodeLease(foreign({ renewTime })).renewedAt;
    const noon = Date.UTC(2026, 10, 23, 12);
    expect(renewedAt('2026-11-23T12:00:00Z')).toBe(noon);
    expect(renewedAt('2026-11-23T13:00:00.5+01:00')).toBe(noon + 500);
    expect(renewedAt('2026-11-23T12:00:00.123456789Z')).toBe((noon * 1000 + 123_456) / 1000);
    expect(renewedAt('2026-13-45T12:00:00Z')).toBeNull();
  });

  it('writes the present where the wire cannot say the time: one step past a hand-edited year 9999', () => {
    const { renewedAt } = decodeLease(foreign({ renewTime: '9999-12-31T23:59:59.999999Z' }));
    const next = decodeLease(encodeLease(null, id, { ...record, renewedAt: renewedAt! + 1000 }));
    expect(Math.abs(next.renewedAt! - Date.now())).toBeLessThan(60_000);
    expect(next.writeId).toBe('write-1');
  });
});
