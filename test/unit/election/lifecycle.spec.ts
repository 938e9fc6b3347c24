import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WriteOutcome } from 'nestjs-leader';
import { ElectorFleet } from '../../support/elector-fleet.js';
import { tampered, unwatched } from '../../support/hostile-store.js';
import { seededChance } from '../../support/virtual-time.js';

describe('start() and stop()', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(async () => {
    await fleet.stop();
    expect(fleet.time.pending).toBe(0);
  });

  it('are idempotent, before and after each other', async () => {
    const { elector } = fleet.add();
    await elector.stop();
    await elector.start();
    await elector.start();
    await fleet.time.advance(20);
    expect(elector.isLeader()).toBe(true);
    await Promise.all([elector.stop(), elector.stop()]);
    expect(elector.status().role).toBe('idle');
    expect(fleet.time.pending).toBe(0);
  });

  it('obey the last call, however they overlap', async () => {
    const { elector } = await fleet.join();
    const stopped = [elector.stop(), elector.start(), elector.stop()];
    await fleet.time.advance(30_000);
    await Promise.all(stopped);
    expect(elector.status().role).toBe('idle');

    void elector.start();
    void elector.stop();
    void elector.start();
    await fleet.time.advance(100);
    expect(elector.isLeader()).toBe(true);
  });

  it('start() resolves at once, and during a stop takes effect when the lease is let go', async () => {
    const { elector } = await fleet.join();
    let finish!: () => void;
    void elector.runIfLeader(() => new Promise<void>((resolve) => (finish = resolve)));
    const stopped = elector.stop();
    await elector.start();
    expect(elector.status().role).toBe('draining');
    finish();
    await stopped;
    await fleet.time.advance(100);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 2 });
  });

  it('may be called by a subscriber that hears of the stop', async () => {
    const { elector } = await fleet.join();
    elector.leadership$.subscribe((leads) => leads || void elector.start());
    await elector.stop();
    await fleet.time.advance(100);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 2 });
    await elector.shutdown();
    await fleet.time.advance(100);
    expect(elector.status().role).toBe('stopped');
  });

  it('start() after shutdown() does nothing', async () => {
    const { elector } = await fleet.join();
    await elector.shutdown();
    await elector.start();
    await fleet.time.advance(60_000);
    expect(elector.status().role).toBe('stopped');
  });

  it('stop() waits for work that goes on after its term was lost', async () => {
    const { elector } = await fleet.join({ candidate: true });
    let finish!: () => void;
    void elector.runIfLeader(() => new Promise<void>((resolve) => (finish = resolve)));
    fleet.store.edit({ name: 'orders' }, { holder: 'somebody', renewedAt: 1 });
    await fleet.time.advance(10);
    let stopped = false;
    void elector.stop().then(() => (stopped = true));
    await fleet.time.advance(5_000);
    expect(stopped).toBe(false);
    finish();
    await fleet.time.advance(0);
    expect(stopped).toBe(true);
  });

  it('stop() on a standby settles at once, whatever it was waiting for', async () => {
    const replica = fleet.add({ store: tampered(fleet.store, () => ({ read: () => new Promise(() => {}) })) });
    await replica.elector.start();
    await fleet.time.advance(100);
    await replica.elector.stop();
    expect(fleet.time.pending).toBe(0);
  });

  it('asks a store that answers 503 at once a few times for the release, and then lets the lease expire', async () => {
    let down = false;
    let asked = 0;
    const store = tampered(fleet.store, (handle) => ({
      replace: async (...call) => {
        asked += down ? 1 : 0;
        return down ? { kind: 'unknown', cause: new Error('503') } : handle.replace(...call);
      },
    }));
    const { elector } = await fleet.join({ store });
    down = true;
    const stopped = elector.stop();
    await fleet.time.advance(2_100);
    await stopped;
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(10);
  });

  it('does not release where that is not wanted', async () => {
    const { elector } = await fleet.join({ releaseOnShutdown: false });
    await elector.stop();
    expect(fleet.lease?.record.holder).toBe(elector.identity);
  });
});

describe('a stop while a claim is in flight', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('awaits it and releases what it brought, without a term', async () => {
    const { elector, store, heard } = fleet.add();
    store.fault('replace', { kind: 'slow', response: 1_000 });
    await elector.start();
    await fleet.time.advance(100);
    const stopped = elector.stop();
    await fleet.time.advance(1_000);
    await stopped;
    expect(heard).toEqual([false]);
    expect(fleet.lease?.record.holder).toBeNull();
  });

  for (const after of [2_500, 3_500]) {
    it(`releases it when nobody answered and it lands ${after} ms after it was sent`, async () => {
      const { elector, store } = fleet.add();
      store.fault('replace', { kind: 'late-apply', after });
      await elector.start();
      await fleet.time.advance(100);
      const stopped = elector.stop();
      await fleet.time.advance(10_000);
      await stopped;
      expect(fleet.lease?.record.holder).toBeNull();
    });
  }

  it('releases a claim that was left without an answer before the stop', async () => {
    const { elector } = fleet.add({
      store: tampered(unwatched(fleet.store), (handle) => ({
        replace: async (seen, record, signal): Promise<WriteOutcome> => {
          await handle.replace(seen, record, signal);
          return { kind: 'unknown', cause: new Error('502') };
        },
      })),
    });
    await elector.start();
    await fleet.time.advance(100);
    expect(fleet.lease?.record.holder).toBe(elector.identity);
    const stopped = elector.stop();
    await fleet.time.advance(10_000);
    await stopped;
    expect(fleet.lease?.record.holder).toBeNull();
  });
});

describe('10,000 calls of start, stop and stepDown in random order', () => {
  it('give each term one release, no unhandled rejection and no timer left', { timeout: 60_000 }, async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const fleet = new ElectorFleet();
    let releases = 0;
    const counting = tampered(fleet.store, (handle) => ({
      replace: async (seen, record, signal) => {
        const outcome = await handle.replace(seen, record, signal);
        releases += outcome.kind === 'applied' && record.holder === null ? 1 : 0;
        return outcome;
      },
    }));
    const heard = { acquired: 0, lost: 0 };
    const { elector } = fleet.add({ store: counting }, { acquired: () => heard.acquired++, lost: () => heard.lost++ });
    const { random } = seededChance(7);
    const calls: Promise<unknown>[] = [];
    for (let call = 0; call < 10_000; call += 1) {
      const drawn = random();
      if (drawn < 0.4) calls.push(elector.start());
      else if (drawn < 0.6) calls.push(elector.stop());
      else if (drawn < 0.8) calls.push(elector.stepDown({ cooldown: random() * 20 }));
      else void elector.runIfLeader(() => new Promise<void>((resolve) => fleet.time.setTimer(resolve, random() * 30)));
      if (drawn * 1000 - Math.floor(drawn * 1000) < 0.5) await fleet.time.advance(random() * 20);
    }
    const stopped = elector.stop();
    await fleet.time.advance(60_000);
    await Promise.all([...calls, stopped]);

    const { terms } = elector.status();
    expect(terms).toBeGreaterThan(500);
    expect(releases).toBe(terms);
    expect(heard.lost).toBe(heard.acquired);
    expect(fleet.lease?.record.holder).toBeNull();
    expect(fleet.time.pending).toBe(0);
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

describe('isReady()', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());
  const never = () => new Promise<never>(() => {});

  it('is true once the lease has been read and its watch is open', async () => {
    const { elector } = fleet.add();
    expect(elector.isReady()).toBe(false);
    await elector.start();
    await fleet.time.advance(20);
    expect(elector.isReady()).toBe(true);
  });

  it('does not wait for leadership, and stays true', async () => {
    await fleet.join();
    const { elector, store } = await fleet.join();
    expect(elector.isLeader()).toBe(false);
    expect(elector.isReady()).toBe(true);
    store.fault('read', { kind: 'lost-request' }, Infinity);
    await fleet.time.advance(60_000);
    expect(elector.isReady()).toBe(true);
    await elector.stop();
    expect(elector.isReady()).toBe(true);
  });

  it.each([
    ['is read and cannot be watched', { watch: undefined }, true],
    [
      'is read and whose watch is refused',
      {
        watch: () => {
          throw new Error('403');
        },
      },
      true,
    ],
    [
      'is read and whose watch does not open',
      { watch: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }) },
      false,
    ],
    ['cannot be read', { read: never, watch: undefined }, false],
  ])('with a lease that %s', async (_, over, isReady) => {
    const { elector } = await fleet.join({ store: tampered(fleet.store, () => over as never) });
    expect(elector.isReady()).toBe(isReady);
    // A store that does not answer must not hold a rollout up.
    await fleet.time.advance(15_000);
    expect(elector.isReady()).toBe(true);
  });

  it('is true for an observer, whatever the store does', () => {
    expect(fleet.add({ candidate: false }).elector.isReady()).toBe(true);
  });
});
