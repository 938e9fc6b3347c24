import { describe, expect, it, vi } from 'vitest';
import { decode, encode, storedLease, type LeaseFile } from '../../../lib/stores/file/codec.js';
import { recordOf } from './scene.js';

const boot = vi.hoisted(() => ({ now: undefined as number | undefined }));
vi.mock('../../../lib/election/clock/system-clock.js', async (original) => ({
  ...(await original<object>()),
  bootClock: () => boot.now,
}));

const HERE = { pid: 1, startTime: '1', place: 'this boot' };
const file = (writtenAt: number | null, place = HERE.place): LeaseFile => ({
  uid: 'u',
  nonce: 'n',
  record: recordOf('a'),
  writer: { pid: 2, startTime: '2', place },
  writtenAt,
});
const seen = (written: LeaseFile) => storedLease(1, decode(encode(written))!, HERE);

describe('the age that the file store tells of a write', () => {
  it('is by the boot clock, less the step in which that advances: it never says more than is true', () => {
    boot.now = 60_000;
    expect(seen(file(50_000)).age).toBe(9_990);
    expect(seen(file(59_995)).age).toBe(0);
  });

  for (const [what, now, written] of [
    ['the boot clock cannot be read', undefined, file(50_000)],
    ['the writer could not read its boot clock', 60_000, file(null)],
    ['the write is of another boot, or of another container', 60_000, file(50_000, 'another boot')],
    ['the write is to come', 60_000, file(60_001)],
    ['the write was before the boot', 60_000, file(-1)],
  ] as const) {
    it(`is not told where ${what}`, () => {
      boot.now = now;
      expect(seen(written)).not.toHaveProperty('age');
      expect(seen(written).record.holder).toBe('a');
    });
  }
});
