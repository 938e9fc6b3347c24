import { describe, expect, it } from 'vitest';
import { memoryLease, type LeaseRecord, type MemoryLeaseStore, type Snapshot } from 'nestjs-leader';

const lease = { name: 'orders' };
const record = (holder: string, more: Partial<LeaseRecord> = {}): LeaseRecord => ({
  holder,
  duration: 15_000,
  acquiredAt: 1,
  renewedAt: 1,
  transitions: 0,
  term: `term-of-${holder}`,
  writeId: 'w1',
  ...more,
});
const calm = new AbortController().signal;

/** Time that a test moves by hand. */
function manualClock() {
  let now = 0;
  const timers: { at: number; run: () => void }[] = [];
  return {
    now: () => now,
    setTimer(run: () => void, delay: number) {
      const timer = { at: now + delay, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    async advance(milliseconds: number) {
      now += milliseconds;
      for (const timer of timers.filter(({ at }) => at <= now)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.run();
      }
      await new Promise(setImmediate);
    },
  };
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  const waiting = Symbol('waiting');
  const tick = new Promise((resolve) => setImmediate(resolve, waiting));
  return (await Promise.race([promise, tick])) !== waiting;
}

async function write(store: MemoryLeaseStore, holder: string, more: Partial<LeaseRecord> = {}): Promise<Snapshot> {
  const outcome = await store.open(lease).replace(store.peek(lease), record(holder, more), calm);
  if (outcome.kind !== 'applied') throw new Error(outcome.kind);
  return outcome.snapshot;
}

describe('a request that is lost', () => {
  it('on its way in writes nothing and leaves the caller waiting until it gives up', async () => {
    const store = memoryLease();
    store.fault('replace', { kind: 'lost-request' });
    const patience = new AbortController();
    const answer = store.open(lease).replace(store.peek(lease), record('a'), patience.signal);
    expect(await settled(answer)).toBe(false);
    patience.abort();
    expect((await answer).kind).toBe('unknown');
    expect(store.peek(lease).lease).toBeNull();
  });

  it('on its way back has written', async () => {
    const store = memoryLease();
    store.fault('replace', { kind: 'lost-response' });
    const patience = new AbortController();
    const answer = store.open(lease).replace(store.peek(lease), record('a'), patience.signal);
    patience.abort();
    expect((await answer).kind).toBe('unknown');
    expect(store.peek(lease).lease?.record.holder).toBe('a');
  });

  it('may still arrive long after the caller gave up', async () => {
    const clock = manualClock();
    const store = memoryLease({ clock });
    store.fault('replace', { kind: 'late-apply', after: 5_000 });
    const patience = new AbortController();
    const answer = store.open(lease).replace(store.peek(lease), record('a'), patience.signal);
    patience.abort();
    expect((await answer).kind).toBe('unknown');
    await clock.advance(4_999);
    expect(store.peek(lease).lease).toBeNull();
    await clock.advance(1);
    expect(store.peek(lease).lease?.record.holder).toBe('a');
  });
});

describe('a request on a strange way', () => {
  it('arrives twice when duplicated, and the second time finds that the first has changed the lease', async () => {
    const clock = manualClock();
    const store = memoryLease({ clock });
    store.fault('replace', { kind: 'duplicate', after: 10 });
    const first = await write(store, 'a');
    await clock.advance(10);
    expect(store.peek(lease)).toEqual(first);
  });

  it('is slow both ways by the clock of the store', async () => {
    const clock = manualClock();
    const store = memoryLease({ clock });
    store.fault('replace', { kind: 'slow', request: 30, response: 20 });
    const answer = write(store, 'a');
    await clock.advance(29);
    expect(store.peek(lease).lease).toBeNull();
    await clock.advance(1);
    expect(store.peek(lease).lease?.record.holder).toBe('a');
    expect(await settled(answer)).toBe(false);
    await clock.advance(20);
    expect(await settled(answer)).toBe(true);
  });

  it('is refused with the pause that the store asks for, and writes nothing', async () => {
    const store = memoryLease();
    store.fault('replace', { kind: 'rejected', retryAfter: 3_000, cause: 'quota' });
    const outcome = await store.open(lease).replace(store.peek(lease), record('a'), calm);
    expect(outcome).toMatchObject({ kind: 'rejected', retryAfter: 3_000, cause: { cause: 'quota' } });
    store.fault('read', { kind: 'rejected', retryAfter: 7 });
    await expect(store.open(lease).read(calm)).rejects.toMatchObject({ code: 'STORE_FORBIDDEN', retryAfter: 7 });
    expect(store.peek(lease).lease).toBeNull();
  });

  it('meets each scripted fault as often as asked, then none, and none that was called off', async () => {
    const store = memoryLease();
    await write(store, 'a');
    await write(store, 'b');
    store.fault('read', { kind: 'stale' }, 2);
    const holders = [];
    for (let i = 0; i < 3; i++) holders.push((await store.open(lease).read(calm)).lease?.record.holder);
    expect(holders).toEqual(['a', 'a', 'b']);
    store.fault('read', { kind: 'stale' }, Infinity)();
    expect((await store.open(lease).read(calm)).lease?.record.holder).toBe('b');
  });
});

describe('one memory store', () => {
  it('is another world than the next one', async () => {
    const store = memoryLease();
    await write(store, 'a');
    expect((await memoryLease().open(lease).read(calm)).lease).toBeNull();
  });

  it('keeps leases apart whose names join to the same text', async () => {
    const store = memoryLease();
    store.edit({ namespace: 'prod', name: 'orders/worker' }, { holder: 'a' });
    expect(store.peek({ namespace: 'prod/orders', name: 'worker' }).lease).toBeNull();
  });

  it('keeps leases of the same name in different namespaces apart', async () => {
    const store = memoryLease();
    await write(store, 'a');
    expect(store.peek({ name: 'orders', namespace: 'staging' }).lease).toBeNull();
    expect(store.peek({ name: 'orders', namespace: 'default' }).lease?.record.holder).toBe('a');
  });

  it('has connections of which a fault strikes one', async () => {
    const store = memoryLease();
    const other = store.connect();
    await write(store, 'a');
    other.fault('read', { kind: 'rejected' });
    expect((await store.open(lease).read(calm)).lease?.record.holder).toBe('a');
    await expect(other.open(lease).read(calm)).rejects.toThrow('refused');
    expect((await other.open(lease).read(calm)).lease?.record.holder).toBe('a');
  });

  it('tells the age of a lease by its clock when asked to, on every read anew', async () => {
    const clock = manualClock();
    const store = memoryLease({ clock, age: true });
    expect((await write(store, 'a')).lease?.age).toBe(0);
    await clock.advance(1_200);
    expect((await store.open(lease).read(calm)).lease?.age).toBe(1_200);
    expect((await write(memoryLease(), 'a')).lease).not.toHaveProperty('age');
  });

  it('takes a holder for dead only when told', async () => {
    const store = memoryLease();
    const seen = await write(store, 'a');
    expect(await store.open(lease).isHolderGone?.(seen, calm)).toBe(false);
    store.declareGone('a');
    expect(await store.open(lease).isHolderGone?.(seen, calm)).toBe(true);
  });
});

describe('a watch', () => {
  const open = (store: MemoryLeaseStore) => store.open(lease).watch!(calm)[Symbol.asyncIterator]();

  it('that is silent shows the current state and then nothing, whatever happens', async () => {
    const store = memoryLease();
    store.fault('watch', { kind: 'silent' });
    const watch = open(store);
    await watch.next();
    const next = watch.next();
    await write(store, 'a');
    expect(await settled(next)).toBe(false);
  });

  it('that is muted tells the newest state once it may speak again', async () => {
    const store = memoryLease();
    const watch = open(store);
    await watch.next();
    const unmute = store.muteWatches();
    const next = watch.next();
    await write(store, 'a');
    await write(store, 'b');
    expect(await settled(next)).toBe(false);
    unmute();
    expect((await next).value?.lease?.record.holder).toBe('b');
  });

  it('ends when it is cut', async () => {
    const store = memoryLease();
    const watch = open(store);
    await watch.next();
    const next = watch.next();
    store.cutWatches();
    expect((await next).done).toBe(true);
  });

  it('may show an old state again', async () => {
    const store = memoryLease();
    const first = await write(store, 'a');
    await write(store, 'b');
    const watch = open(store);
    await watch.next();
    store.replay(lease);
    expect((await watch.next()).value).toEqual(first);
  });
});

describe('a foreign edit', () => {
  it('of the record voids term and writeId, one beside the record does not, but both change the version', async () => {
    const store = memoryLease();
    const { lease: ours } = await write(store, 'a');
    const touched = store.touch(lease).lease;
    expect(touched?.record).toEqual(ours?.record);
    expect(touched?.version).not.toBe(ours?.version);
    const edited = store.edit(lease, { holder: null }).lease;
    expect(edited?.record).toMatchObject({ holder: null, term: null, writeId: null, duration: 15_000 });
    expect(edited?.uid).toBe(ours?.uid);
  });
});
