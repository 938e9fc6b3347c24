import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryLease, type LeaseHandle, type LeaseStore, type MemoryLeaseStore } from 'nestjs-leader';
import { BelievedLease } from '../../../lib/election/lease/believed-lease.js';
import { TakeoverTime } from '../../../lib/election/rules/takeover-time.js';
import { ElectorFleet, LEASE } from '../../support/elector-fleet.js';

const DURATION = 15_000;

/** Reads and writes speak for what was restored, watches for what was lost: an API server whose cache has outlived its etcd. */
class RestoredStore implements LeaseStore {
  readonly name = 'restored';
  opened = 0;
  private present: MemoryLeaseStore;
  private watched: MemoryLeaseStore;

  constructor(fleet: ElectorFleet) {
    this.present = this.watched = fleet.store;
  }

  /** From now on the store is an older one. Its watch goes on about the lost one until `catchUp()`. */
  restore(older: MemoryLeaseStore): void {
    this.present = older;
  }

  catchUp(): void {
    this.watched.cutWatches();
    this.watched = this.present;
  }

  open(lease: { name: string; namespace?: string }): LeaseHandle {
    return {
      isWatchVouched: true,
      read: (signal) => this.present.open(lease).read(signal),
      replace: (...call) => this.present.open(lease).replace(...call),
      watch: (signal) => {
        this.opened += 1;
        return this.watched.open(lease).watch!(signal);
      },
    };
  }
}

describe('a store that went back', () => {
  let fleet: ElectorFleet;
  let store: RestoredStore;
  let older: MemoryLeaseStore;
  beforeEach(async () => {
    fleet = new ElectorFleet();
    store = new RestoredStore(fleet);
    older = memoryLease({
      clock: { now: () => fleet.time.now, setTimer: (run, delay) => fleet.time.setTimer(run, delay) },
    });
    // What was backed up: a few writes of a holder that is long gone, under lower tokens than those of the next minute.
    older.edit(LEASE, {
      holder: 'old_uuid',
      duration: DURATION,
      acquiredAt: 1,
      renewedAt: 1,
      term: 'old',
      writeId: 'old',
    });
  });
  afterEach(() => fleet.stop());

  it('is led from again once nobody can still trust what it has lost, though its watch knows nothing of it', async () => {
    const a = await fleet.join({ store });
    const b = await fleet.join({ store });
    await fleet.time.advance(60_000);
    expect(a.elector.isLeader()).toBe(true);
    store.restore(older);
    await fleet.time.advance(12_500);
    expect(fleet.leaders).toEqual([]);
    await fleet.time.advance(2 * DURATION - 12_500);
    expect(fleet.leaders).toHaveLength(1);
    for (const { log } of [a, b]) expect(log.filter((line) => line.includes('older state'))).toHaveLength(1);

    await fleet.time.advance(10 * DURATION);
    expect(fleet.leaders).toHaveLength(1);
    expect(a.elector.status().terms + b.elector.status().terms).toBe(2);
  });

  it('has its watch reopened now and then, and believed again when it shows what reads show', async () => {
    const a = await fleet.join({ store });
    const b = await fleet.join({ store });
    await fleet.time.advance(60_000);
    store.restore(older);
    const { opened } = store;
    await fleet.time.advance(60_000);
    expect(store.opened - opened).toBeGreaterThanOrEqual(2);
    expect(store.opened - opened).toBeLessThanOrEqual(2 * 6);
    store.catchUp();
    await fleet.time.advance(60_000);
    const [leader] = fleet.leaders;
    const standby = leader === undefined || leader.elector === a.elector ? b : a;
    void leader!.elector.stop();
    await fleet.time.advance(20);
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('gives its lease the time that is left since the write it shows, not since it was believed', () => {
    const takeover = new TakeoverTime({ identity: 'me', leaseDuration: DURATION, takeoverGrace: 0 });
    const view = new BelievedLease(takeover, true);
    const shows = (token: bigint, writtenAt: number, now: number) => {
      const record = { holder: 'other', duration: DURATION, acquiredAt: 1, renewedAt: writtenAt, transitions: 0 };
      const ids = { term: 'term', writeId: String(writtenAt) };
      const lease = { record: { ...record, ...ids }, version: String(token), uid: 'uid', age: now - writtenAt };
      return view.see({ token, lease }, 'read', now, now);
    };
    expect(shows(10n, 0, 0)).toBe('news');
    expect(shows(4n, 900, 1_000)).toBe('old');
    expect(shows(5n, 3_900, 4_000)).toBe('old');
    expect(shows(5n, 3_900, 16_500)).toBe('news');
    expect(takeover.openFrom).toBe(3_900 + DURATION);
  });

  it('once shows an older state by a replica of it that lags: nobody takes that for a restore', async () => {
    const a = await fleet.join();
    const b = await fleet.join();
    await fleet.time.advance(30_000);
    b.store.fault('read', { kind: 'stale', behind: 3 });
    b.store.cutWatches();
    await fleet.time.advance(60_000);
    expect(a.elector.status()).toMatchObject({ role: 'leader', terms: 1 });
    expect(b.elector.status()).toMatchObject({ terms: 0, leader: a.elector.identity, lastError: null });
  });
});
