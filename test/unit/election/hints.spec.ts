import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaseRecord, Snapshot } from 'nestjs-leader';
import { ElectorFleet, LEASE, type Replica } from '../../support/elector-fleet.js';
import { Forger, unvouched } from '../../support/forged-watch.js';

const DURATION = 15_000;

describe('a watch that nobody vouches for', () => {
  let fleet: ElectorFleet;
  let forger: Forger;
  let leader: Replica & { requests: ReturnType<typeof unvouched> };
  let standby: typeof leader;

  const join = async () => {
    const store = fleet.store.connect();
    const requests = unvouched(store, forger);
    return { ...(await fleet.join({ store: requests })), store, requests };
  };
  /** The lease as it is, but for some lies. */
  const lie = (record: Partial<LeaseRecord>, more: { token?: bigint; uid?: string } = {}): Snapshot => {
    const { lease, token } = fleet.store.peek(LEASE);
    return {
      token: more.token ?? token + 1n,
      lease: { ...lease!, version: 'forged', uid: more.uid ?? lease!.uid, record: { ...lease!.record, ...record } },
    };
  };
  const lies: Record<string, () => Snapshot> = {
    'a release by the holder’s own term': () => lie({ holder: null, duration: 1_000, writeId: 'forged' }),
    'a release as client-go writes it': () =>
      lie({ holder: null, duration: 1_000, acquiredAt: 9, renewedAt: 9, term: null, writeId: null }),
    'another holder': () => lie({ holder: 'mallory', term: 'forged', writeId: 'forged' }),
    'another holder under a token that nothing will ever outgrow': () =>
      lie({ holder: 'mallory', term: 'forged', writeId: 'forged' }, { token: 2n ** 60n }),
    'another lease': () => lie({ writeId: 'forged' }, { uid: 'forged' }),
    'no lease': () => ({ lease: null, token: fleet.store.peek(LEASE).token + 1n }),
    'no lease under a token that nothing will ever outgrow': () => ({ lease: null, token: 2n ** 60n }),
  };

  beforeEach(async () => {
    fleet = new ElectorFleet();
    forger = new Forger();
    leader = await join();
    standby = await join();
    await fleet.time.advance(10_000);
  });
  afterEach(() => fleet.stop());

  for (const [what, forge] of Object.entries(lies)) {
    it(`that shows ${what} ends no term, begins none, and names nobody`, async () => {
      for (let i = 0; i < 120; i += 1) {
        forger.send(forge());
        await fleet.time.advance(500);
        expect(fleet.leaders).toEqual([expect.objectContaining({ elector: leader.elector })]);
      }
      expect(leader.elector.status()).toMatchObject({ terms: 1, leader: leader.elector.identity });
      expect(standby.elector.status()).toMatchObject({ terms: 0, leader: leader.elector.identity });
    });

    it(`that shows ${what} twice a second makes a replica read at most every retry period`, async () => {
      const before = { ...standby.requests };
      for (let i = 0; i < 120; i += 1) {
        forger.send(forge());
        await fleet.time.advance(500);
      }
      expect(standby.requests.reads - before.reads).toBeLessThanOrEqual(30 + 6);
      expect(standby.requests.writes - before.writes).toBe(0);
    });

    it(`that shows ${what} all the while delays a true handover by at most a retry period`, async () => {
      for (let i = 0; i < 60; i += 1) {
        forger.send(forge());
        await fleet.time.advance(500);
      }
      void leader.elector.stop();
      for (let i = 0; i < 5; i += 1) {
        forger.send(forge());
        await fleet.time.advance(500);
      }
      expect(standby.elector.isLeader()).toBe(true);
    });
  }

  it('confirms no write: a leader whose writes are lost does not live on by it', async () => {
    leader.store.fault('replace', { kind: 'lost-request' }, Infinity);
    for (let i = 0; i < 30; i += 1) {
      const { writeId, renewedAt } = leader.requests.lastSent!;
      forger.send(lie({ writeId, renewedAt }));
      await fleet.time.advance(500);
    }
    expect(leader.elector.status()).toMatchObject({ role: 'standby', terms: 1 });
  });

  it('may show signs of life of a dead holder, and delays its succession by at most one duration', async () => {
    leader.clock.pause();
    const last = fleet.time.now;
    let tookOver = 0;
    for (let i = 0; i < 80 && tookOver === 0; i += 1) {
      forger.send(lie({ writeId: `forged ${i}`, renewedAt: fleet.time.now }));
      await fleet.time.advance(500);
      if (standby.elector.isLeader()) tookOver = fleet.time.now - last;
    }
    expect(tookOver).toBeGreaterThan(DURATION - 3_000);
    expect(tookOver).toBeLessThanOrEqual(2 * DURATION);
  });

  it('may not delay it further by a flood of them', async () => {
    leader.clock.pause();
    const last = fleet.time.now;
    while (!standby.elector.isLeader() && fleet.time.now - last < 3 * DURATION) {
      const flood = fleet.time.now - last > DURATION - 4_000;
      forger.send(lie({ writeId: `forged ${fleet.time.now}`, renewedAt: fleet.time.now }));
      await fleet.time.advance(flood ? 1 : 500);
    }
    expect(fleet.time.now - last).toBeLessThanOrEqual(2 * DURATION);
  });

  it('costs a standby of a healthy leader one read per lease duration', async () => {
    const { reads } = standby.requests;
    await fleet.time.advance(60 * DURATION);
    expect(standby.requests.reads - reads).toBeGreaterThanOrEqual(60);
    expect(standby.requests.reads - reads).toBeLessThanOrEqual(75);
  });

  it('costs one read at a handover, which is as quick as ever', async () => {
    await fleet.time.advance(40);
    const { reads } = standby.requests;
    void leader.elector.stop();
    await fleet.time.advance(10);
    expect(standby.elector.isLeader()).toBe(true);
    expect(standby.requests.reads - reads).toBe(1);
  });

  it('dates a write from when it was heard of, once a read has shown it', async () => {
    leader.clock.pause();
    const last = fleet.time.now - (fleet.time.now % 3_000);
    await fleet.time.advance(last + DURATION - fleet.time.now - 50);
    expect(standby.elector.isLeader()).toBe(false);
    await fleet.time.advance(150);
    expect(standby.elector.isLeader()).toBe(true);
  });
});

describe('a watch that its store vouches for', () => {
  it('leaves a deletion to a read', async () => {
    const fleet = new ElectorFleet();
    const leader = await fleet.join();
    const standby = await fleet.join();
    const stop = standby.store.fault('read', { kind: 'lost-request' }, Infinity);
    fleet.store.delete(LEASE);
    await fleet.time.advance(1_000);
    expect(leader.elector.status().terms).toBe(2);
    stop();
    await fleet.stop();
  });
});
