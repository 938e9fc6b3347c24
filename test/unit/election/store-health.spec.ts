import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaseStoreError, type LeaseHandle, type Snapshot } from 'nestjs-leader';
import { ElectorFleet, LEASE } from '../../support/elector-fleet.js';
import { tampered } from '../../support/hostile-store.js';

describe('the health of a lease store', () => {
  let fleet: ElectorFleet;
  const join = (over: (handle: LeaseHandle) => Partial<LeaseHandle>) =>
    fleet.join({
      store: tampered(fleet.store, (handle) => ({ isWatchVouched: true, ...over(handle) })),
    });
  const again = (log: readonly string[]) => log.filter((line) => line.includes('again'));
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  const outcomes: Record<string, () => ReturnType<LeaseHandle['replace']>> = {
    'conflict with nothing': async () => ({ kind: 'conflict' }),
    'are refused': async () => ({ kind: 'rejected', cause: new LeaseStoreError('STORE_FORBIDDEN', 'refused') }),
    'end in an error of the server': async () => ({
      kind: 'unknown',
      cause: new LeaseStoreError('STORE_FAILED', '500'),
    }),
  };
  for (const [how, write] of Object.entries(outcomes)) {
    it(`says so, once, while all writes ${how} and reads work; and that it is over only when it is`, async () => {
      let broken = true;
      const { elector, log } = await join((handle) => ({
        replace: (...call) => (broken ? write() : handle.replace(...call)),
      }));
      await fleet.time.advance(120_000);
      expect(log).toHaveLength(1);
      expect(elector.status()).toMatchObject({
        role: 'standby',
        lastError: { code: expect.stringMatching(/^STORE_/), count: expect.any(Number) },
        failures: { reading: null, writing: { code: expect.any(String) }, watching: null },
      });
      broken = false;
      await fleet.time.advance(20_000);
      expect(elector.status()).toMatchObject({ role: 'leader', lastError: null, failures: { writing: null } });
      expect(again(log)).toEqual([
        expect.stringMatching(/^default: the lease can be written again after \d+ failures in 1\d\d\.\d s\.$/),
      ]);
    });
  }

  it('is not called well by a standby whose own writes are refused, though another replica leads', async () => {
    const refused = await join(() => ({ replace: outcomes['are refused']! }));
    await fleet.time.advance(5_000);
    await fleet.join();
    await fleet.time.advance(30_000);
    expect(refused.elector.status()).toMatchObject({ role: 'standby', lastError: { code: 'STORE_FORBIDDEN' } });
    expect(again(refused.log)).toEqual([]);
  });

  it('is no longer called ill by a standby that failed to write, once another replica has written; nor is it called well', async () => {
    const failing = await join(() => ({ replace: outcomes['end in an error of the server']! }));
    await fleet.time.advance(20_000);
    await fleet.join();
    await fleet.time.advance(10_000);
    expect(failing.elector.status().lastError).toBeNull();
    expect(again(failing.log)).toEqual([]);
  });

  it('that comes and goes is told once, and summed up when it stays away', async () => {
    let turn = 0;
    let flaps = true;
    const { log } = await join((handle) => ({
      read: (signal) =>
        flaps && turn++ % 3 !== 2 ? Promise.reject(new LeaseStoreError('STORE_FAILED', '503')) : handle.read(signal),
      watch: undefined,
      replace: () => new Promise(() => {}),
    }));
    await fleet.time.advance(180_000);
    const told = log.filter((line) => line.includes('503') || line.includes('read again'));
    expect(told.length).toBeLessThanOrEqual(2);
    flaps = false;
    await fleet.time.advance(60_000);
    expect(log.filter((line) => line.includes('read again')).length).toBeLessThanOrEqual(2);
    expect(log.filter((line) => line.includes('read again')).at(-1)).toMatch(/after (\d{2,}) failures/);
  });

  it('tells one cause once, though reads, writes and the watch all fail by it', async () => {
    let down = false;
    const fail = () => Promise.reject(new LeaseStoreError('STORE_FAILED', 'connection refused'));
    const { log } = await join((handle) => ({
      read: (signal) => (down ? fail() : handle.read(signal)),
      replace: (...call) => (down ? fail() : handle.replace(...call)),
      watch: async function* (signal) {
        if (down) await fail();
        for await (const snapshot of handle.watch!(signal)) {
          if (down) await fail();
          yield snapshot;
        }
      },
    }));
    await fleet.time.advance(10_000);
    down = true;
    fleet.store.cutWatches();
    await fleet.time.advance(60_000);
    expect(log.filter((line) => line.includes('connection refused'))).toHaveLength(1);
  });

  it('remembers the last confirmed write across an involuntary loss', async () => {
    const { elector, clock, store } = await fleet.join();
    await fleet.time.advance(7_000);
    store.fault('replace', { kind: 'lost-request' }, Infinity);
    store.fault('read', { kind: 'lost-request' }, Infinity);
    const last = elector.status().lastConfirmedWrite;
    expect(last).toBe(new Date(clock.wallOffset + 6_000).toISOString());
    await fleet.time.advance(30_000);
    expect(elector.status()).toMatchObject({ role: 'standby', lastConfirmedWrite: last });
  });

  it('gives no time that was cut by ourselves', async () => {
    const { elector, store } = await fleet.join();
    await fleet.time.advance(3_500);
    store.fault('replace', { kind: 'lost-request' }, Infinity);
    store.fault('read', { kind: 'lost-request' }, Infinity);
    const told = new Set<string>();
    for (let i = 0; i < 600; i += 1) {
      await fleet.time.advance(20);
      told.add(elector.status().lastError?.message ?? '');
    }
    for (const message of told) {
      const [, time] = /within (\d+) ms/.exec(message) ?? [];
      if (time !== undefined) expect(Number(time)).toBeGreaterThanOrEqual(2_000);
    }
    expect([...told].join('\n')).toContain('in the time that was left for it');
  });
});

describe('a store that strips what its schema does not know', () => {
  it('is led from, through answers that are lost, and handed over at once', async () => {
    const fleet = new ElectorFleet();
    const store = (of = fleet.store.connect()) => ({
      of,
      store: tampered(of, (handle) => ({
        isWatchVouched: true,
        replace: (seen, record, signal) => handle.replace(seen, { ...record, term: null, writeId: null }, signal),
      })),
    });
    const first = store();
    const leader = await fleet.join({ store: first.store });
    const standby = await fleet.join({ store: store().store });
    await fleet.time.advance(30_000);
    first.of.fault('replace', { kind: 'lost-response' }, 2);
    await fleet.time.advance(30_000);
    expect(leader.elector.status()).toMatchObject({ role: 'leader', terms: 1 });
    expect(standby.elector.status()).toMatchObject({ role: 'standby', terms: 0 });
    await leader.elector.stop();
    await fleet.time.advance(20);
    expect(standby.elector.isLeader()).toBe(true);
    await fleet.stop();
  });
});

describe('a store that asks to be left alone', () => {
  it('is left alone by the watch for as long', async () => {
    const fleet = new ElectorFleet();
    let opened = 0;
    const refuse = () => Promise.reject(new LeaseStoreError('STORE_FAILED', '429', { retryAfter: 10_000 }));
    await fleet.join({
      store: tampered(fleet.store, () => ({
        watch: async function* (): AsyncGenerator<Snapshot> {
          opened += 1;
          yield await refuse();
        },
      })),
    });
    await fleet.time.advance(60_000);
    expect(opened).toBeGreaterThan(4);
    expect(opened).toBeLessThanOrEqual(7);
    await fleet.stop();
  });

  it('is left alone also by a leader that has to read what its write met', async () => {
    const fleet = new ElectorFleet();
    let reads = 0;
    let refuses = false;
    await fleet.join({
      store: tampered(fleet.store, (handle) => ({
        read: (signal) => {
          if (!refuses) return handle.read(signal);
          reads += 1;
          return Promise.reject(new LeaseStoreError('STORE_FAILED', '429', { retryAfter: 20_000 }));
        },
        replace: async (...call) => (refuses ? { kind: 'conflict' } : handle.replace(...call)),
        watch: undefined,
      })),
    });
    await fleet.time.advance(5_000);
    refuses = true;
    await fleet.time.advance(8_000);
    expect(reads).toBeLessThanOrEqual(2);
    await fleet.stop();
  });

  it('is asked once more while its answer can still save the term, and not again and again until then', async () => {
    const fleet = new ElectorFleet();
    let refusals = 0;
    let refuses = false;
    const { elector } = await fleet.join({
      store: tampered(fleet.store, (handle) => ({
        replace: async (...call) => {
          if (!refuses) return handle.replace(...call);
          refusals += 1;
          return { kind: 'rejected', cause: new Error('429'), retryAfter: 20_000 };
        },
      })),
    });
    await fleet.time.advance(5_000);
    refuses = true;
    await fleet.time.advance(5_000);
    expect(refusals).toBe(1);
    refuses = false;
    await fleet.time.advance(10_000);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 });
    expect(fleet.store.peek(LEASE).lease?.record.holder).toBe(elector.identity);
    await fleet.stop();
  });
});
