import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Snapshot } from '../../../lib/election/lease-store.js';
import type { Notifications, Subscriber } from '../../../lib/stores/postgres/connection/notifications.js';
import { snapshotOf } from '../../../lib/stores/postgres/codec.js';
import { watchLease } from '../../../lib/stores/postgres/lease-watch.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const payload = (token: bigint, change: object = {}) =>
  JSON.stringify({
    deleted: false,
    token: String(token),
    version: `1.${token}`,
    uid: 'a.1',
    holder: 'someone',
    duration: 15_000,
    acquiredAt: 1,
    renewedAt: Number(token),
    transitions: 0,
    term: 'term',
    writeId: `write-${token}`,
    ...change,
  });

/** A watch that is open, and has shown the state of token 10. */
async function open() {
  let subscriber: Subscriber | undefined;
  const notifications = {
    subscribe: (_: string, one: Subscriber) => {
      subscriber = one;
      return { ready: Promise.resolve(), end() {} };
    },
  } as unknown as Notifications;
  const database = { token: 10n, reads: 0 };
  const read = async () => {
    database.reads += 1;
    return snapshotOf(payload(database.token));
  };
  const controller = new AbortController();
  const events = watchLease('channel', notifications, read, controller.signal);
  const first = await events.next();
  const seen: Snapshot[] = [first.value!];
  const end = (async () => {
    for await (const snapshot of events) seen.push(snapshot);
  })();
  return {
    seen,
    database,
    tokens: () => seen.map(({ token }) => token),
    async notify(...payloads: string[]) {
      for (const one of payloads) subscriber!.notified(one);
      await vi.advanceTimersByTimeAsync(0);
    },
    async close() {
      controller.abort();
      await end;
    },
  };
}

const GARBAGE = [
  'no JSON',
  '[]',
  'null',
  '{}',
  '{"token":7}',
  payload(-1n),
  payload(2n ** 63n),
  payload(11n, { deleted: 'no' }),
  '['.repeat(7_000),
  'x'.repeat(5_000_000),
];

describe('notifications that anybody may send', () => {
  it.each(GARBAGE.map((text) => [text.slice(0, 40), text]))(
    '%s neither ends the watch nor hides what comes after',
    async (_, garbage) => {
      const watch = await open();
      await watch.notify(garbage, payload(11n), garbage);
      await watch.notify(payload(12n));
      expect(watch.tokens()).toEqual([10n, 11n, 12n]);
      await watch.close();
    },
  );

  it('with a token beyond every real one hide none of the real ones', async () => {
    const watch = await open();
    await watch.notify(payload(2n ** 62n, { holder: null }), payload(11n), payload(12n));
    await watch.notify(payload(13n));
    expect(watch.tokens()).toEqual([10n, 2n ** 62n, 11n, 12n, 13n]);
    expect(watch.database.reads).toBe(1);
    await watch.close();
  });

  it('in one breath with a real one do not take its place', async () => {
    const watch = await open();
    await watch.notify(payload(11n, { holder: null }), payload(12n, { holder: 'forged' }));
    expect(watch.seen[1]!.lease?.record.holder).toBeNull();
    await watch.close();
  });

  it('that show a field that cannot be read show an unknown holder', async () => {
    const watch = await open();
    await watch.notify(payload(11n, { renewedAt: 'Infinity' }));
    expect(watch.seen[1]!.lease?.record.holder).toBe('unreadable version 1.11');
    await watch.close();
  });

  it('of what is older than the state that was read are left out', async () => {
    const watch = await open();
    await watch.notify(payload(9n), payload(10n));
    expect(watch.tokens()).toEqual([10n]);
    await watch.close();
  });

  it('that say nothing are answered with one read at once, which shows what was too long to be told', async () => {
    const watch = await open();
    watch.database.token = 11n;
    await watch.notify('');
    expect(watch.tokens()).toEqual([10n, 11n]);
    watch.database.token = 12n;
    await watch.notify('');
    expect(watch.tokens()).toEqual([10n, 11n, 12n]);
    await watch.close();
  });

  it('a thousand times a second cost one read in eight seconds before long', async () => {
    const watch = await open();
    for (let millisecond = 0; millisecond < 60_000; millisecond++) {
      await watch.notify('garbage');
      await vi.advanceTimersByTimeAsync(1);
    }
    // The first, at once, and then after 0.5, 1, 2, 4, 8, 8, ... seconds.
    expect(watch.database.reads - 1).toBeLessThanOrEqual(12);
    // The real news is found out all the same.
    watch.database.token = 11n;
    await watch.notify('garbage');
    await vi.advanceTimersByTimeAsync(8_000);
    expect(watch.tokens()).toEqual([10n, 11n]);
    await watch.close();
  });

  it('in a flood that the reader cannot follow are made good by a read', async () => {
    const watch = await open();
    watch.database.token = 1_000n;
    await watch.notify(...Array.from({ length: 990 }, (_, index) => payload(BigInt(index) + 11n)));
    expect(watch.seen.length).toBeLessThan(80);
    expect(watch.tokens().at(-1)).toBe(1_000n);
    await watch.close();
  });
});
