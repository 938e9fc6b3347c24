import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaseRecord } from 'nestjs-leader';
import { ElectorFleet, LEASE, type Replica } from '../../support/elector-fleet.js';

const EMPTY: LeaseRecord = {
  holder: null,
  duration: 0,
  acquiredAt: null,
  renewedAt: null,
  transitions: 0,
  term: null,
  writeId: null,
};
const BING = { ...EMPTY, holder: 'bing', duration: 3_000, acquiredAt: 1, renewedAt: 1 };

/** What client-go's own table of cases expects (kubernetes/client-go, tools/leaderelection), as far as it is meant for a replica like ours. */
describe('the cases of client-go', () => {
  let fleet: ElectorFleet;
  let baz: Replica;
  const start = async (given?: LeaseRecord) => {
    if (given) fleet.store.edit(LEASE, given);
    await baz.elector.start();
    await fleet.time.advance(10);
  };
  const lease = () => ({ leads: baz.elector.isLeader(), ...fleet.lease!.record });
  beforeEach(() => {
    fleet = new ElectorFleet();
    baz = fleet.add({ leaseDuration: 10_000, renewDeadline: 8_000 });
  });
  afterEach(() => fleet.stop());

  it('no object: created, no transition', async () => {
    await start();
    expect(lease()).toMatchObject({ leads: true, holder: baz.elector.identity, transitions: 0, duration: 10_000 });
  });

  it('an object that says nothing: taken, one transition', async () => {
    await start(EMPTY);
    expect(lease()).toMatchObject({ leads: true, holder: baz.elector.identity, transitions: 1 });
  });

  it("another holder's, first seen: left alone for its own duration and by as much as client-go overruns it, then taken", async () => {
    await start(BING);
    expect(lease()).toMatchObject({ leads: false, holder: 'bing', transitions: 0 });
    await fleet.time.advance(2_980 + 2_500);
    expect(lease()).toMatchObject({ leads: false, holder: 'bing' });
    await fleet.time.advance(30);
    expect(lease()).toMatchObject({ leads: true, transitions: 1 });
  });

  it("another holder's that does not say how long: waited out as long as our own", async () => {
    await start({ ...BING, duration: 0 });
    await fleet.time.advance(9_900 + 2_500);
    expect(lease().leads).toBe(false);
    await fleet.time.advance(120);
    expect(lease()).toMatchObject({ leads: true, transitions: 1 });
  });

  it("another holder's that is renewed: never taken", async () => {
    await start(BING);
    for (let second = 1; second < 60; second += 1) {
      fleet.store.edit(LEASE, { ...BING, renewedAt: 1 + second * 1_000 });
      await fleet.time.advance(1_000);
    }
    expect(lease()).toMatchObject({ leads: false, holder: 'bing' });
  });

  it('released by its holder: taken at once, one transition', async () => {
    await start({ ...BING, transitions: 4 });
    fleet.store.edit(LEASE, { ...EMPTY, duration: 1_000, acquiredAt: 9_000, renewedAt: 9_000, transitions: 4 });
    await fleet.time.advance(10);
    expect(lease()).toMatchObject({ leads: true, transitions: 5 });
  });

  it('our own: kept without a transition, and with its time of acquisition', async () => {
    await start();
    const { acquiredAt, renewedAt } = lease();
    await fleet.time.advance(60_000);
    expect(lease()).toMatchObject({ leads: true, acquiredAt, transitions: 0 });
    expect(lease().renewedAt!).toBeGreaterThan(renewedAt!);
  });

  it('our own, then released: holder empty, one second, both times equal, transitions kept', async () => {
    const holders: (string | null)[] = [];
    await start();
    baz.elector.leader$.subscribe((holder) => holders.push(holder));
    await baz.elector.stop();
    expect(lease()).toMatchObject({ leads: false, holder: null, duration: 1_000, transitions: 0 });
    expect(lease().acquiredAt).toBe(lease().renewedAt);
    expect(holders).toEqual([baz.elector.identity, null]);
  });

  it('a release that meets a conflict: tried again', async () => {
    await start();
    baz.store.fault('replace', { kind: 'slow', request: 50 });
    const stopped = baz.elector.stop();
    fleet.store.touch(LEASE);
    await fleet.time.advance(1_000);
    await stopped;
    expect(lease().holder).toBeNull();
  });

  it('stopped in the middle of a renewal: the release follows, and the end is told once', async () => {
    await start();
    baz.store.fault('replace', { kind: 'slow', request: 500, response: 500 });
    await fleet.time.advance(2_100);
    const stopped = baz.elector.stop();
    await fleet.time.advance(1_000);
    await stopped;
    expect(lease().holder).toBeNull();
    expect(baz.heard).toEqual([false, true, false]);
  });

  it('a renewal that meets a conflict: read, and written again at once', async () => {
    await start();
    const silence = baz.store.muteWatches();
    fleet.store.touch(LEASE);
    const { version } = fleet.lease!;
    await fleet.time.advance(2_010);
    silence();
    expect(Number(fleet.lease!.version)).toBe(Number(version) + 1);
    expect(baz.elector.status()).toMatchObject({ role: 'leader', terms: 1 });
  });
});
