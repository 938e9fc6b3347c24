import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ElectorFleet } from '../../support/elector-fleet.js';

describe('an election', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('is led by the first replica, and the second waits and knows who leads', async () => {
    const first = await fleet.join();
    const second = await fleet.join();

    expect(first.elector.isLeader()).toBe(true);
    expect(second.elector.isLeader()).toBe(false);
    expect(second.elector.status()).toMatchObject({ role: 'standby', leader: first.elector.identity });
  });

  it('is led on and on, in one term, with a write every renew interval', async () => {
    const first = await fleet.join();
    const before = fleet.store.peek({ name: 'orders' }).token;
    await fleet.time.advance(60_000);

    expect(first.elector.isLeader()).toBe(true);
    expect(first.heard).toEqual([false, true]);
    expect(fleet.store.peek({ name: 'orders' }).token - before).toBe(20n);
  });

  it('passes to a standby when the leader stops', async () => {
    const first = await fleet.join();
    const second = await fleet.join();
    const stopped = first.elector.stop();
    await fleet.time.advance(20);
    await stopped;

    expect(first.elector.isLeader()).toBe(false);
    expect(second.elector.isLeader()).toBe(true);
    expect(second.elector.requireTerm().fencingToken).toBeGreaterThan(1n);
  });

  it('passes to a standby when the lease of a crashed leader has run out, and not before', async () => {
    const first = await fleet.join();
    const second = await fleet.join();
    first.clock.pause();
    await fleet.time.advance(14_000);
    expect(second.elector.isLeader()).toBe(false);
    await fleet.time.advance(1_100);
    expect(second.elector.isLeader()).toBe(true);

    expect(first.elector.isLeader()).toBe(false);
    await first.clock.resume();
    expect(fleet.leaders).toEqual([second]);
  });

  it('is told of by a standby once, when it learns who leads', async () => {
    const first = await fleet.join();
    const second = await fleet.join();
    await fleet.time.advance(60_000);
    expect(second.log).toEqual([`default: this replica stands by, ${first.elector.identity} leads.`]);
  });

  it('has no contact with a store that refuses everything, however fast it does', async () => {
    const { elector, store } = await fleet.join();
    store.fault('replace', { kind: 'rejected' }, Infinity);
    store.fault('read', { kind: 'rejected' }, Infinity);
    await fleet.time.advance(60_000);
    expect(elector.status().sinceContact).toBeGreaterThan(45_000);
  });
});
