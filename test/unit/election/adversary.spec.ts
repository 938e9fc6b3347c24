import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ElectorFleet, LEASE } from '../../support/elector-fleet.js';
import { tampered } from '../../support/hostile-store.js';

/** Interleavings that broke an earlier wording of the algorithm. Their numbers are those of the simulator's scenarios. */
describe('the interleaving', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('1: one identity configured twice, both claim at once: one leads', async () => {
    const twins = [fleet.add({ identity: 'same' }), fleet.add({ identity: 'same' })];
    for (const { store } of twins) store.fault('replace', { kind: 'slow', request: 20, response: 20 });
    await Promise.all(twins.map(({ elector }) => elector.start()));
    await fleet.time.advance(10_000);
    expect(fleet.leaders).toHaveLength(1);
    expect(twins.map(({ elector }) => elector.status().terms).toSorted((a, b) => a - b)).toEqual([0, 1]);
  });

  it('2: a holder blanked by a third party, its watch lags: others wait it out', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();
    leader.store.muteWatches();
    fleet.store.edit(LEASE, { holder: null });
    await fleet.time.advance(2_900);
    expect(leader.elector.isLeader()).toBe(true);
    expect(standby.elector.isLeader()).toBe(false);
    await fleet.time.advance(100);
    expect([leader.elector.isLeader(), leader.elector.status().terms]).toEqual([true, 2]);
  });

  it('2: blanked in the shape of a release by client-go, over a holder of ours: waited out as well', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();
    leader.clock.pause();
    fleet.store.edit(LEASE, { holder: null, duration: 1_000, acquiredAt: 5_000, renewedAt: 5_000 });
    await fleet.time.advance(14_900);
    expect(standby.elector.isLeader()).toBe(false);
    await fleet.time.advance(120);
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('4: an own write that lands after the term is replaced at once, and begins a term only by a write that is confirmed', async () => {
    const { elector, store } = fleet.add();
    store.fault('replace', { kind: 'late-apply', after: 3_000 });
    store.fault('read', { kind: 'rejected', retryAfter: 10_000 });
    await elector.start();
    await fleet.time.advance(60_000);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 });
    expect(elector.requireTerm().fencingToken).toBeGreaterThanOrEqual(1n);
  });

  it('5: an `applied` that arrives after another took over tells nobody of leadership', async () => {
    const first = await fleet.join();
    const second = await fleet.join();
    first.store.fault('replace', { kind: 'slow', response: 1_000 });
    await fleet.time.advance(3_500);
    first.clock.pause();
    await fleet.time.advance(16_000);
    expect(second.elector.isLeader()).toBe(true);
    await first.clock.resume();
    await fleet.time.advance(5_000);
    expect(first.heard).toEqual([false, true, false]);
    expect(fleet.leaders).toEqual([second]);
  });

  it('7: a duration patched to a second under an unchanged renewal lets nobody in', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();
    leader.clock.pause();
    fleet.store.edit(LEASE, { duration: 1_000 });
    await fleet.time.advance(11_900);
    expect(leader.elector.isLeader()).toBe(true);
    expect(standby.elector.isLeader()).toBe(false);
    leader.elector.isLeader();
    await fleet.time.advance(3_200);
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('7: a duration patched beside our mark is written right at once, before a newcomer believes it', async () => {
    const leader = await fleet.join();
    await fleet.time.advance(500);
    const { term, writeId } = fleet.lease!.record;
    fleet.store.edit(LEASE, { duration: 1_000, term, writeId });
    await fleet.time.advance(10);
    expect(fleet.lease?.record.duration).toBe(15_000);
    expect(leader.elector.status()).toMatchObject({ role: 'leader', terms: 1 });
  });

  it('12: a step-down inside work, and work that outlives its drain: this replica stays out', async () => {
    const { elector } = await fleet.join({ drainTimeout: 2_000 });
    let finish!: () => void;
    void elector.runIfLeader(async () => {
      await elector.stepDown({ cooldown: 0 });
      await new Promise<void>((resolve) => (finish = resolve));
    });
    await fleet.time.advance(60_000);
    expect(elector.status()).toMatchObject({ role: 'standby', running: 1 });
    finish();
    await fleet.time.advance(100);
    expect(elector.isLeader()).toBe(true);
  });

  it('13: a stop with a renewal in flight settles it first, then releases', async () => {
    const { elector, store } = await fleet.join();
    store.fault('replace', { kind: 'slow', request: 400, response: 400 });
    await fleet.time.advance(3_000);
    const stopped = elector.stop();
    await fleet.time.advance(1_000);
    await stopped;
    expect(fleet.lease?.record.holder).toBeNull();
  });

  for (const fault of ['lost-response', 'late-apply'] as const) {
    it(`13: a renewal of unknown outcome (${fault}) does not make the release give up`, async () => {
      const { elector, store } = await fleet.join();
      store.fault('replace', fault === 'late-apply' ? { kind: fault, after: 2_100 } : { kind: fault });
      store.muteWatches();
      await fleet.time.advance(3_000);
      const stopped = elector.stop();
      await fleet.time.advance(10_000);
      await stopped;
      expect(fleet.lease?.record.holder).toBeNull();
    });
  }

  it('14: a stale server that replays an old record every eight seconds does not keep the lease from expiring', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();
    await fleet.time.advance(10_000);
    leader.clock.pause();
    for (let replay = 0; replay < 4; replay += 1) {
      await fleet.time.advance(4_900);
      fleet.store.replay(LEASE, 1);
    }
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('15: an old DELETED that is shown again does not make a new leader step down', async () => {
    const { elector } = await fleet.join();
    fleet.store.delete(LEASE);
    await fleet.time.advance(100);
    const { terms } = elector.status();
    fleet.store.replay(LEASE, 1);
    await fleet.time.advance(10);
    expect(elector.status()).toMatchObject({ role: 'leader', terms });
  });

  for (const watched of [true, false]) {
    it(`16: a label edited twice a second costs no term (${watched ? 'watched' : 'the watch is silent'})`, async () => {
      const { elector, store } = await fleet.join();
      if (!watched) store.muteWatches();
      store.fault('replace', { kind: 'slow', request: 30, response: 30 }, 999);
      for (let edit = 0; edit < 240; edit += 1) {
        fleet.store.touch(LEASE);
        await fleet.time.advance(500);
      }
      expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 });
    });
  }

  it('18: a wall stepped by half a minute every minute costs no term', async () => {
    const { elector, clock, heard } = await fleet.join();
    for (let minute = 0; minute < 30; minute += 1) {
      await fleet.time.advance(60_000);
      clock.wallOffset += 30_000;
    }
    await fleet.time.advance(6_000);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 });
    expect(heard).toEqual([false, true]);
  });

  it('19: a replica that stepped down stays out for its cooldown, by default two retry periods', async () => {
    const alone = await fleet.join();
    await alone.elector.stepDown();
    await fleet.time.advance(3_990);
    expect(alone.elector.isLeader()).toBe(false);
    await fleet.time.advance(30);
    expect(alone.elector.isLeader()).toBe(true);
  });

  it('20: a hundred standbys do not stampede at a release, the less the more often', { timeout: 60_000 }, async () => {
    let writes = 0;
    const counting = (store: (typeof fleet)['store']) =>
      tampered(store, (handle) => ({
        replace: (...call) => {
          writes += 1;
          return handle.replace(...call);
        },
      }));
    for (let standby = 0; standby < 101; standby += 1) {
      const replica = fleet.add({ store: counting(fleet.store) });
      await replica.elector.start();
    }
    await fleet.time.advance(1_000);
    const perHandover: number[] = [];
    for (let handover = 0; handover < 5; handover += 1) {
      writes = 0;
      const [leader] = fleet.leaders;
      await leader!.elector.stop();
      await fleet.time.advance(1_000);
      expect(fleet.leaders).toHaveLength(1);
      perHandover.push(writes);
    }
    expect(Math.max(...perHandover)).toBeLessThan(110);
  });

  it('21: a watch that falls silent costs a read in twice the rhythm of the leader, and is opened anew', async () => {
    const leader = await fleet.join();
    const asked = { read: 0, watch: 0 };
    const mute = tampered(fleet.store, (handle) => ({
      read: (signal) => {
        asked.read += 1;
        return handle.read(signal);
      },
      watch: async function* (signal) {
        asked.watch += 1;
        yield await handle.read(signal);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    }));
    const standby = await fleet.join({ store: mute });
    await fleet.time.advance(60_000);
    expect(asked.read).toBeGreaterThan(7);
    expect(asked.read).toBeLessThan(12);
    expect(asked.watch).toBeGreaterThan(7);
    expect(standby.elector.status()).toMatchObject({ role: 'standby', leader: leader.elector.identity, terms: 0 });
  });
});
