import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ElectorFleet } from '../../support/elector-fleet.js';
import { tampered } from '../../support/hostile-store.js';
import type { MachineClock } from '../../support/virtual-time.js';

describe('a term', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('is valid for the renew deadline, counted from before the last confirmed write was sent', async () => {
    const { elector, store } = fleet.add();
    store.fault('replace', { kind: 'slow', request: 700, response: 800 });
    await elector.start();
    await fleet.time.advance(1_520);
    const term = elector.requireTerm();
    expect(term.remaining()).toBeLessThanOrEqual(10_500);
    store.fault('replace', { kind: 'lost-request' }, 99);
    await fleet.time.advance(term.remaining() - 1);
    expect(elector.isLeader()).toBe(true);
    await fleet.time.advance(2);
    expect(elector.isLeader()).toBe(false);
    expect(term.signal.reason).toBe('expired');
  });

  it('answers false the first time it is asked after a pause that outlived it, and never true again', async () => {
    const { elector, clock } = await fleet.join();
    const term = elector.requireTerm();
    clock.pause();
    await fleet.time.advance(12_000);
    expect([elector.isLeader(), term.isValid(), term.remaining()]).toEqual([false, false, 0]);
    await clock.resume();
    await fleet.time.advance(5_000);
    expect([elector.isLeader(), term.isValid()]).toEqual([true, false]);
    expect(elector.currentTerm()).not.toBe(term);
  });

  it.each([
    ['a pause', () => {}],
    [
      'a suspend that no clock shows but the boot clock',
      (clock: MachineClock) => {
        clock.slept(12_000);
        clock.wallOffset -= 3_600_000;
      },
    ],
  ])('begins with no answer that comes after its end, in %s', async (_, meanwhile) => {
    let arrive!: () => void;
    const answered = new Promise<void>((resolve) => (arrive = resolve));
    const late = tampered(fleet.store, (handle) => ({
      replace: async (...call) => {
        const outcome = await handle.replace(...call);
        await answered;
        return outcome;
      },
    }));
    const { elector, clock, heard } = await fleet.join({ store: late });
    clock.pause();
    await fleet.time.advance(12_000);
    meanwhile(clock);
    arrive();
    await fleet.time.advance(0);
    // The late answer begins nothing; our own record is replaced at once, and that write begins the term.
    expect(heard).toEqual([false, true]);
    expect(elector.requireTerm().fencingToken).toBe(2n);
    await clock.resume();
  });

  for (const step of [-7_200_000, 0, 7_200_000]) {
    it(`ends with a suspend that its boot clock shows, the wall stepped by ${step / 1000} s meanwhile`, async () => {
      const { elector, clock } = await fleet.join();
      clock.pause();
      await fleet.time.advance(60_000);
      clock.slept(60_000);
      clock.wallOffset += step;
      // The boot clock is read at most every 100 ms of running time; a wall that did not go back shows at once.
      await fleet.time.advance(step < 0 ? 100 : 0);
      expect(elector.isLeader()).toBe(false);
      expect(elector.currentTerm()).toBeNull();
      await clock.resume();
    });
  }

  it('ends with a suspend that only the wall clock shows', async () => {
    const { elector, clock } = await fleet.join();
    clock.hasBootClock = false;
    await fleet.time.advance(5_000);
    clock.pause();
    await fleet.time.advance(60_000);
    clock.slept(60_000);
    expect(elector.isLeader()).toBe(false);
    await clock.resume();
  });

  it('ends with a wall that jumped ahead where no boot clock tells a jump from a suspend', async () => {
    const { elector, clock, heard } = await fleet.join();
    clock.hasBootClock = false;
    await fleet.time.advance(5_000);
    clock.wallOffset += 3_600_000;
    expect(elector.isLeader()).toBe(false);
    expect(heard).toEqual([false, true, false]);
  });

  it('that a wall jump suspended admits nothing, aborts nothing, and goes on after a confirmed renewal', async () => {
    const { elector, clock, heard, store } = await fleet.join();
    const term = elector.requireTerm();
    const joined = elector.runIfLeader(async () => {
      await new Promise<void>((resolve) => fleet.time.setTimer(resolve, 500));
      return elector.runIfLeader(() => 'ran');
    });
    const refused = expect(joined).rejects.toMatchObject({ code: 'NOT_LEADER' });
    store.fault('replace', { kind: 'lost-request' });
    clock.wallOffset += 3_600_000;
    expect([elector.isLeader(), term.isValid(), term.remaining()]).toEqual([false, false, 0]);
    expect(elector.status().role).toBe('standby');
    expect(await elector.runIfLeader(() => 'ran')).toBeUndefined();
    await fleet.time.advance(1_000);
    await refused;
    await fleet.time.advance(3_000);

    expect([elector.isLeader(), term.isValid(), term.signal.aborted]).toEqual([true, true, false]);
    expect(elector.currentTerm()).toBe(term);
    expect(heard).toEqual([false, true]);
  });

  it('that a wall jump suspended expires if no renewal is confirmed', async () => {
    const { elector, clock, heard, store } = await fleet.join();
    const { signal } = elector.requireTerm();
    store.fault('replace', { kind: 'lost-request' }, 99);
    clock.wallOffset += 3_600_000;
    expect(elector.isLeader()).toBe(false);
    await fleet.time.advance(11_900);
    expect(heard).toEqual([false, true]);
    await fleet.time.advance(100);
    expect(heard).toEqual([false, true, false]);
    expect(signal.reason).toBe('expired');
  });

  it('is given no time back by a boot clock that cannot be read any more after a suspend', async () => {
    const { elector, clock } = await fleet.join();
    const term = elector.requireTerm();
    clock.pause();
    await fleet.time.advance(11_000);
    clock.slept(11_000);
    clock.wallOffset -= 3_600_000;
    await fleet.time.advance(100);
    expect(term.remaining()).toBeLessThanOrEqual(900);
    clock.hasBootClock = false;
    await fleet.time.advance(500);
    expect(term.remaining()).toBeLessThanOrEqual(400);
    await fleet.time.advance(400);
    expect(term.isValid()).toBe(false);
    await clock.resume();
  });

  it('ends with a suspend although the boot clock could not be read when the last confirmed write was sent', async () => {
    const { elector, clock } = await fleet.join();
    await fleet.time.advance(2_500);
    clock.hasBootClock = false;
    await fleet.time.advance(1_000);
    clock.hasBootClock = true;
    clock.pause();
    await fleet.time.advance(60_000);
    clock.slept(60_000);
    clock.wallOffset -= 3_600_000;
    await fleet.time.advance(100);
    expect(elector.isLeader()).toBe(false);
    await clock.resume();
  });

  it('that a wall jump suspended in a moment in which the boot clock could not be read goes on after a confirmed renewal', async () => {
    const { elector, clock, heard } = await fleet.join();
    const term = elector.requireTerm();
    clock.hasBootClock = false;
    clock.wallOffset += 3_600_000;
    expect([elector.isLeader(), term.signal.aborted]).toEqual([false, false]);
    clock.hasBootClock = true;
    await fleet.time.advance(4_000);
    expect([elector.isLeader(), elector.currentTerm() === term]).toEqual([true, true]);
    expect(heard).toEqual([false, true]);
  });

  it('that was suspended in such a moment is over once the boot clock shows that the machine slept', async () => {
    const { elector, clock, store } = await fleet.join();
    const { signal } = elector.requireTerm();
    store.fault('replace', { kind: 'lost-request' }, 99);
    clock.pause();
    await fleet.time.advance(60_000);
    clock.slept(60_000);
    clock.hasBootClock = false;
    expect([elector.isLeader(), signal.aborted]).toEqual([false, false]);
    clock.hasBootClock = true;
    await fleet.time.advance(100);
    expect([elector.isLeader(), signal.reason]).toEqual([false, 'expired']);
    await clock.resume();
  });

  it('survives a wall that jumps to and fro every second', async () => {
    const { elector, clock, heard } = await fleet.join();
    for (let second = 0; second < 120; second += 1) {
      clock.wallOffset += second % 2 === 0 ? 45_000 : -45_000;
      await fleet.time.advance(1_000);
    }
    expect(elector.status().terms).toBe(1);
    expect(heard).toEqual([false, true]);
    await fleet.time.advance(3_000);
    expect(elector.isLeader()).toBe(true);
  });

  it('is led on at a constant latency of three seconds', async () => {
    const { elector, store } = fleet.add();
    for (const operation of ['read', 'replace'] as const)
      store.fault(operation, { kind: 'slow', request: 1_500, response: 1_500 }, Number.POSITIVE_INFINITY);

    await elector.start();
    await fleet.time.advance(60_000);
    expect(elector.isLeader()).toBe(true);
    await fleet.time.advance(3_600_000);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 });
  });

  it('survives a latency that jumps from nothing to three seconds', async () => {
    const { elector, store } = await fleet.join();
    await fleet.time.advance(30_000);
    for (const operation of ['read', 'replace'] as const)
      store.fault(operation, { kind: 'slow', request: 1_500, response: 1_500 }, Number.POSITIVE_INFINITY);

    await fleet.time.advance(600_000);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 });
  });
});
