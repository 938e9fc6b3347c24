import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ElectorFleet, type Replica } from '../../support/elector-fleet.js';

/** Defaults: a term lasts 12 s without a renewal, renewed every 3 s, retried after 2 s. */
describe('a process that stands still', () => {
  let fleet: ElectorFleet;
  let replica: Replica;
  beforeEach(async () => {
    fleet = new ElectorFleet();
    replica = await fleet.join();
    replica.log.splice(0);
  });
  afterEach(() => fleet.stop());

  const standStill = async (milliseconds: number) => {
    replica.clock.pause();
    await fleet.time.advance(milliseconds);
  };
  const wakes = async () => {
    await replica.clock.resume();
    await fleet.time.advance(100);
  };

  it('still leads if its term has outlived that, and says so once', async () => {
    await standStill(6_000);
    await wakes();
    expect(replica.elector.isLeader()).toBe(true);
    expect(replica.log).toEqual([
      expect.stringMatching(/^default: this process stood still for 30\d\d ms or more \(.+\); it still leads\.$/),
    ]);
  });

  it('says that its term is lost by it, and not by the store', async () => {
    await standStill(14_000);
    await wakes();
    expect(replica.log).toEqual([
      expect.stringContaining('leads no more (expired)'),
      expect.stringMatching(/stood still for 110\d\d ms or more \(.+\); its term expired meanwhile\.$/),
      expect.stringContaining('this replica leads'),
    ]);
  });

  it('says so too when the end of the term was found out by a question before any timer ran', async () => {
    await standStill(14_000);
    expect(replica.elector.isLeader()).toBe(false);
    await wakes();
    expect(replica.log.filter((line) => line.includes('its term expired meanwhile'))).toHaveLength(1);
  });

  it('is not spoken of for a moment, on a standby, nor when a timer was merely set for the past', async () => {
    const standby = await fleet.join();
    standby.log.splice(0);
    standby.clock.pause();
    await standStill(3_900);
    await wakes();
    await fleet.time.advance(20_000);
    await standby.clock.resume();
    await fleet.time.advance(20_000);
    expect([...replica.log, ...standby.log]).toEqual([]);
  });

  it('is not what a timer is taken for that ran in time and is called off later', async () => {
    for (let cut = 0; cut < 3; cut += 1) {
      replica.store.cutWatches();
      await fleet.time.advance(10_000);
    }
    expect(replica.log.join()).not.toContain('stood still');
  });

  it('is not what a silent store is taken for', async () => {
    replica.store.fault('replace', { kind: 'lost-request' }, Number.POSITIVE_INFINITY);
    await fleet.time.advance(60_000);
    expect(replica.log.join()).toContain('(expired)');
    expect(replica.log.join()).not.toContain('stood still');
  });
});
