import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ElectorFleet, LEASE } from '../../support/elector-fleet.js';
import { tampered } from '../../support/hostile-store.js';

/** Where client-go's elector keeps a promise only most of the time, or not at all. Each was read in or reproduced from its code. */
describe('what client-go does and this does not', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('blank the lease of its successor when it is stopped after a freeze', async () => {
    const frozen = await fleet.join();
    const successor = await fleet.join();
    frozen.clock.pause();
    await fleet.time.advance(16_000);
    expect(successor.elector.isLeader()).toBe(true);
    const stopped = frozen.elector.stop();
    await frozen.clock.resume();
    await fleet.time.advance(5_000);
    await stopped;
    expect(fleet.lease?.record.holder).toBe(successor.elector.identity);
    expect(successor.elector.status().terms).toBe(1);
  });

  it('lead on after it has seen another holder', async () => {
    const { elector, heard } = await fleet.join();
    fleet.store.edit(LEASE, { holder: 'thief', renewedAt: 1 });
    await fleet.time.advance(0);
    expect(elector.isLeader()).toBe(false);
    expect(heard).toEqual([false, true, false]);
  });

  it('lead on in the same term although another came between', async () => {
    const { elector } = await fleet.join();
    const term = elector.requireTerm();
    const silence = fleet.replicas[0]!.store.muteWatches();
    fleet.store.edit(LEASE, { holder: 'other', renewedAt: 1, duration: 1_000 });
    fleet.store.edit(LEASE, { holder: null, duration: 1_000, acquiredAt: 2, renewedAt: 2 });
    silence();
    await fleet.time.advance(20_000);
    expect(elector.requireTerm().fencingToken).toBeGreaterThan(term.fencingToken);
    expect(term.signal.reason).toBe('superseded');
  });

  it('lead on, or resurrect the lease in its old term, when it was deleted', async () => {
    const { elector } = await fleet.join();
    const term = elector.requireTerm();
    fleet.store.delete(LEASE);
    await fleet.time.advance(100);
    expect([term.isValid(), term.signal.reason]).toEqual([false, 'deleted']);
    expect(elector.requireTerm().fencingToken).toBeGreaterThan(term.fencingToken);
    expect(fleet.lease?.record.transitions).toBe(0);
  });

  it('create a deleted lease while its holder may believe on', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();
    leader.clock.pause();
    fleet.store.delete(LEASE);
    await fleet.time.advance(14_900);
    expect(fleet.lease).toBeNull();
    await fleet.time.advance(120);
    expect(standby.elector.isLeader()).toBe(true);
    expect(fleet.lease?.record.transitions).toBe(1);
  });

  it('renew twice within what others see as one second', async () => {
    const seconds = new Set<number>();
    const coarse = { resolution: 1000, open: fleet.store.open.bind(fleet.store) };
    const { elector, clock } = await fleet.join({ store: coarse });
    for (let write = 0; write < 20; write += 1) {
      clock.wallOffset -= 3_000;
      const before = seconds.size;
      await fleet.time.advance(3_000);
      seconds.add(Math.floor(fleet.lease!.record.renewedAt! / 1000));
      expect(seconds.size).toBe(before + 1);
    }
    expect(elector.status().terms).toBe(1);
  });

  it('count its trust from the answer: a late response does not prolong it', async () => {
    const { elector, store } = await fleet.join();
    store.fault('replace', { kind: 'slow', response: 1_900 });
    await fleet.time.advance(4_900);
    store.fault('replace', { kind: 'lost-request' }, 99);
    // Sent at 3 s: over at 15 s, though the answer came at 4.9 s.
    await fleet.time.advance(15_000 - fleet.time.now - 1);
    expect(elector.isLeader()).toBe(true);
    await fleet.time.advance(20);
    expect(elector.isLeader()).toBe(false);
  });

  it('take a success that wrote nothing for a renewal', async () => {
    let writes = true;
    const idle = tampered(fleet.store, (handle) => ({
      // What etcd makes of an identical write: success, and the version stays.
      replace: async (seen, ...rest) => (writes ? handle.replace(seen, ...rest) : { kind: 'applied', snapshot: seen }),
    }));
    const { elector } = await fleet.join({ store: idle });
    const { signal } = elector.requireTerm();
    writes = false;
    await fleet.time.advance(11_900);
    expect(elector.isLeader()).toBe(true);
    await fleet.time.advance(200);
    expect([elector.isLeader(), signal.reason]).toEqual([false, 'expired']);
  });

  it('let go before its work has stopped', async () => {
    const { elector } = await fleet.join();
    const order: string[] = [];
    fleet.replicas[0]!.elector.leader$.subscribe((holder) => holder ?? order.push('released'));
    void elector.runIfLeader(async () => {
      await new Promise<void>((resolve) => fleet.time.setTimer(resolve, 8_000));
      order.push('work done');
    });
    const stopped = elector.stop();
    await fleet.time.advance(9_000);
    await stopped;
    expect(order).toEqual(['work done', 'released']);
  });

  it('give two terms one fencing token, or a smaller one, across delete and recreate', async () => {
    const tokens: bigint[] = [];
    const { elector } = fleet.add();
    elector.term$.subscribe((term) => term && tokens.push(term.fencingToken));
    await elector.start();
    for (let round = 0; round < 10; round += 1) {
      await fleet.time.advance(1_000);
      fleet.store.delete(LEASE);
    }
    await fleet.time.advance(100);
    expect(tokens).toHaveLength(11);
    expect(tokens.every((token, n) => n === 0 || token > tokens[n - 1]!)).toBe(true);
  });

  it('poll: a standby of a healthy leader asks nothing, the leader writes twenty times a minute', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();
    await fleet.time.advance(10_000);
    standby.store.fault('read', { kind: 'rejected' }, 99);
    standby.store.fault('replace', { kind: 'rejected' }, 99);
    const { token } = fleet.store.peek(LEASE);
    await fleet.time.advance(600_000);
    expect(standby.elector.status().lastError).toBeNull();
    expect(fleet.store.peek(LEASE).token - token).toBe(200n);
    expect(leader.elector.isLeader()).toBe(true);
  });

  it('give up for good: whatever ended a term, it stands again', async () => {
    const { elector, store } = await fleet.join();
    for (let outage = 1; outage <= 5; outage += 1) {
      const lost = store.fault('replace', { kind: 'lost-request' }, 999);
      const deaf = store.fault('read', { kind: 'deaf' }, 999);
      await fleet.time.advance(120_000);
      expect(elector.isLeader()).toBe(false);
      lost();
      deaf();
      await fleet.time.advance(15_000);
      expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 + outage });
    }
  });
});
