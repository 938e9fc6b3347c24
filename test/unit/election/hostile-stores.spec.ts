import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaseStoreError, type LeaseHandle, type LeaseRecord, type Snapshot, type WriteOutcome } from 'nestjs-leader';
import { ElectorFleet, LEASE } from '../../support/elector-fleet.js';
import { tampered, unwatched } from '../../support/hostile-store.js';

const NEVER = () => new Promise<never>(() => {});
async function* watching(show: () => Promise<never>): AsyncGenerator<never> {
  yield await show();
}
const unprintable: unknown = Object.create(null);

describe('a store that misbehaves', () => {
  let fleet: ElectorFleet;
  let requests: number;
  const counted = (handle: LeaseHandle, over: Partial<LeaseHandle> = {}): Partial<LeaseHandle> => ({
    read: (signal) => {
      requests += 1;
      return (over.read ?? handle.read.bind(handle))(signal);
    },
    replace: (seen, record, signal) => {
      requests += 1;
      return (over.replace ?? handle.replace.bind(handle))(seen, record, signal);
    },
    ...('watch' in over ? { watch: over.watch } : {}),
  });
  const join = (over: (handle: LeaseHandle) => Partial<LeaseHandle>) =>
    fleet.join({ store: tampered(fleet.store, (handle) => counted(handle, over(handle))) });
  beforeEach(() => {
    fleet = new ElectorFleet();
    requests = 0;
  });
  afterEach(async () => {
    await fleet.stop();
    expect(fleet.time.pending).toBe(0);
  });

  const failures: Record<string, () => Promise<never>> = {
    'throws at once': () => {
      throw new Error('synchronous');
    },
    'rejects with undefined': () => Promise.reject(undefined),
    'rejects with something that cannot be printed': () => Promise.reject(unprintable),
    'never answers': NEVER,
    'answers nothing': () => undefined as unknown as Promise<never>,
    'answers garbage': () => Promise.resolve({ kind: 'applied', snapshot: {}, token: 'x' } as never),
    'answers null': () => Promise.resolve(null as never),
  };
  for (const [how, fail] of Object.entries(failures)) {
    it(`and ${how} to everything is retried in peace, never led from, and told in status()`, async () => {
      const { elector } = await join(() => ({ read: fail, replace: fail, watch: () => watching(fail) }));
      await fleet.time.advance(60_000);
      expect(elector.isLeader()).toBe(false);
      expect(elector.status().lastError).toMatchObject({ message: expect.any(String) });
      expect(requests).toBeGreaterThan(5);
      expect(requests).toBeLessThan(60);
    });

    it(`and ${how} to writes for six seconds does not cost the leader its term`, async () => {
      let broken = false;
      const { elector } = await join((handle) => ({
        replace: (...call) => (broken ? fail() : handle.replace(...call)),
      }));
      await fleet.time.advance(5_000);
      broken = true;
      await fleet.time.advance(6_000);
      broken = false;
      await fleet.time.advance(5_000);
      expect(elector.status()).toMatchObject({ role: 'leader', terms: 1, lastError: null });
    });
  }

  const words: Record<string, LeaseHandle['watchHolder']> = {
    'throws at once': () => {
      throw new Error('synchronous');
    },
    'throws later': async function* () {
      yield await Promise.reject(new Error('no Pods here'));
    },
    'ends without a word': async function* () {},
    'yields false': async function* () {
      yield false as true;
    },
    'returns a promise': () => Promise.resolve(true) as never,
    'never answers': async function* () {
      yield await NEVER();
    },
  };
  for (const [how, watchHolder] of Object.entries(words)) {
    it(`and whose watchHolder() ${how} proves nothing: the lease is waited out`, async () => {
      const leader = await fleet.join();
      const standby = await fleet.join({ store: tampered(fleet.store, () => ({ watchHolder })) });
      await fleet.time.advance(20_000);
      leader.clock.pause();
      await fleet.time.advance(11_900);
      expect(standby.elector.isLeader()).toBe(false);
      await fleet.time.advance(4_000);
      expect(standby.elector.isLeader()).toBe(true);
    });
  }

  it('and whose watchHolder() yields true is believed', async () => {
    let die!: () => void;
    const death = new Promise<void>((resolve) => (die = resolve));
    const leader = await fleet.join();
    const watchHolder: LeaseHandle['watchHolder'] = async function* () {
      await death;
      yield true;
    };
    const standby = await fleet.join({ store: tampered(fleet.store, () => ({ watchHolder })) });
    await fleet.time.advance(20_000);
    leader.clock.pause();
    die();
    await fleet.time.advance(1_000);
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('and whose watch() throws at once is polled', async () => {
    const leader = await fleet.join();
    const standby = await join(() => ({
      watch: () => {
        throw new Error('no watch here');
      },
    }));
    await fleet.time.advance(5_000);
    await leader.elector.stop();
    await fleet.time.advance(5_000);
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('and whose watch shows garbage is read instead', async () => {
    const leader = await fleet.join();
    const standby = await join(() => ({
      watch: async function* () {
        yield { lease: null } as unknown as Snapshot;
      },
    }));
    await fleet.time.advance(60_000);
    expect(leader.elector.status().terms).toBe(1);
    expect(standby.elector.status().leader).toBe(leader.elector.identity);
  });

  it('and whose watch shows the state and ends, again and again, is not reopened ten times a second', async () => {
    let opened = 0;
    await join((handle) => ({
      watch: async function* (signal) {
        opened += 1;
        yield await handle.read(signal);
      },
    }));
    await fleet.time.advance(60_000);
    expect(opened).toBeLessThan(40);
  });

  it('and refuses every watch is told of once, not at every renewal that works, and stays in status()', async () => {
    const { elector, log } = await join(() => ({
      watch: () => watching(() => Promise.reject(new LeaseStoreError('STORE_FORBIDDEN', 'may not watch'))),
    }));
    await fleet.time.advance(600_000);
    expect(log.filter((line) => line.includes('may not watch'))).toHaveLength(1);
    expect(log.filter((line) => line.includes('again'))).toHaveLength(0);
    expect(elector.status()).toMatchObject({ role: 'leader', lastError: { code: 'STORE_FORBIDDEN' } });
  });

  for (const [what, record] of Object.entries<Partial<LeaseRecord>>({
    'a duration that is no number': { duration: Number.NaN },
    'an endless duration': { duration: Number.POSITIVE_INFINITY },
    'a holder that is no string': { holder: 7 as unknown as string },
  })) {
    it(`and shows ${what} is not believed`, async () => {
      const { elector } = await join((handle) => ({
        read: async (signal) => {
          const { token } = await handle.read(signal);
          const held = { holder: 'x', acquiredAt: 1, renewedAt: 1, transitions: 0, term: null, writeId: null };
          return { token, lease: { record: { duration: 1, ...held, ...record }, version: '1', uid: '1' } };
        },
        watch: undefined,
      }));
      await fleet.time.advance(60_000);
      expect(elector.status()).toMatchObject({ role: 'standby', lastError: { code: 'STORE_BAD_DATA' } });
    });
  }

  it('and tells an age that is no number does not open the lease early', async () => {
    const leader = await fleet.join();
    const standby = await join((handle) => ({
      read: async (signal) => {
        const snapshot = await handle.read(signal);
        return { ...snapshot, lease: snapshot.lease && { ...snapshot.lease, age: Number.NaN } };
      },
      watch: undefined,
    }));
    leader.clock.pause();
    await fleet.time.advance(14_000);
    expect(standby.elector.status().terms).toBe(0);
  });

  it('and whose token never grows is neither led from nor hammered', async () => {
    const frozen = (snapshot: Snapshot): Snapshot => ({ ...snapshot, token: 0n });
    const { elector } = await join((handle) => ({
      read: async (signal) => frozen(await handle.read(signal)),
      replace: async (seen, record, signal) => {
        const outcome = await handle.replace(seen, record, signal);
        return outcome.kind === 'applied' ? { ...outcome, snapshot: frozen(outcome.snapshot) } : outcome;
      },
      watch: undefined,
    }));
    await fleet.time.advance(60_000);
    expect(elector.status().terms).toBe(0);
    expect(requests).toBeLessThan(80);
  });

  it('and answers every write with a conflict is not hammered, by a claim, a renewal or a release', async () => {
    let conflicts = true;
    const { elector } = await join((handle) => ({
      replace: async (...call) => (conflicts ? { kind: 'conflict' } : handle.replace(...call)),
      watch: undefined,
    }));
    await fleet.time.advance(60_000);
    expect(requests).toBeLessThan(60);
    conflicts = false;
    await fleet.time.advance(5_000);
    expect(elector.isLeader()).toBe(true);
    conflicts = true;
    requests = 0;
    await fleet.time.advance(10_000);
    expect(requests).toBeLessThan(20);
    const stopped = elector.stop();
    await fleet.time.advance(10_000);
    await stopped;
    expect(requests).toBeLessThan(80);
  });

  for (const retryAfter of [Number.NaN, -5, Number.POSITIVE_INFINITY, 86_400_000]) {
    it(`and asks to be left alone for ${retryAfter} ms is asked again within a lease, and not at once`, async () => {
      let refuses = true;
      const { elector } = await join((handle) => ({
        replace: async (...call): Promise<WriteOutcome> =>
          refuses ? { kind: 'rejected', cause: new Error('429'), retryAfter } : handle.replace(...call),
      }));
      await fleet.time.advance(16_000);
      expect(requests).toBeLessThan(20);
      refuses = false;
      await fleet.time.advance(16_000);
      expect(elector.isLeader()).toBe(true);
    });
  }

  it('is not accused of going back when the watch was merely faster than a read', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();
    const { store } = standby;
    // The answer of its read is on the way while the leader renews, and then lets go.
    store.cutWatches();
    store.fault('read', { kind: 'slow', response: 1_900 });
    await fleet.time.advance(2_400);
    void leader.elector.stop();
    await fleet.time.advance(20);
    expect(standby.elector.isLeader()).toBe(true);
    await fleet.time.advance(5_000);
    expect(standby.elector.status().lastError).toBeNull();
    expect(standby.log.join()).not.toMatch('older state');
  });

  it('and fails a read does not delay the takeover of a lease that the watch shows to be released', async () => {
    const leader = await fleet.join();
    const standby = fleet.add();
    standby.store.fault('read', { kind: 'rejected' });
    await standby.elector.start();
    await fleet.time.advance(20);
    await leader.elector.stop();
    await fleet.time.advance(20);
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('and without a watch is polled, and taken over from in time', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join({ store: unwatched(fleet.store) });
    await fleet.time.advance(20_000);
    leader.clock.pause();
    await fleet.time.advance(15_000 + 4_400);
    expect(standby.elector.isLeader()).toBe(true);
    await leader.clock.resume();
    expect(fleet.store.peek(LEASE).lease?.record.holder).toBe(standby.elector.identity);
  });
});

describe('what a lease or a store says', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());
  const forged = 'pod-7 leads.\nLOG admin logged in\u001b[2J';

  it('is one harmless line in the log, and untouched where programs ask for it', async () => {
    fleet.store.edit(LEASE, { holder: forged, duration: 15_000, renewedAt: 1 });
    const { elector, log } = await fleet.join();
    expect(log).toEqual([
      String.raw`default: this replica stands by, pod-7 leads.\nLOG admin logged in\u{1b}[2J leads.`,
    ]);
    expect(elector.status().leader).toBe(forged);
  });

  it('is cut in the log, however long it is', async () => {
    fleet.store.edit(LEASE, { holder: 'x'.repeat(1_000_000), duration: 15_000, renewedAt: 1 });
    const { log } = await fleet.join();
    expect(log).toEqual([`default: this replica stands by, ${'x'.repeat(200)}… leads.`]);
  });

  for (const [which, failure] of [
    ['of ours', new LeaseStoreError('STORE_FORBIDDEN', forged.repeat(1_000))],
    ['of any kind', new Error(forged.repeat(1_000))],
  ] as const) {
    it(`is one harmless line also as an error ${which}`, async () => {
      const store = tampered(fleet.store, () => ({ read: () => Promise.reject(failure), watch: undefined }));
      const { elector, log } = await fleet.join({ store });
      await fleet.time.advance(10_000);
      const message = elector.status().lastError?.message;
      expect(message).toMatch(/^pod-7 leads\.\\nLOG admin logged in\\u\{1b\}\[2J.*…$/);
      expect(log.filter((line) => line.includes(message!))).toHaveLength(1);
    });
  }
});

describe('a log that throws', () => {
  it('costs nothing', async () => {
    const fleet = new ElectorFleet();
    const replica = await fleet.join({}, undefined, () => {
      throw new Error('disk full');
    });
    await fleet.time.advance(20_000);
    expect(replica.elector.isLeader()).toBe(true);
    await fleet.stop();
  });
});
