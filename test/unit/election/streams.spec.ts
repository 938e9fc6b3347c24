import { firstValueFrom, lastValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeadershipTerm } from 'nestjs-leader';
import { ElectorFleet, LEASE } from '../../support/elector-fleet.js';

describe('the streams of an election', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('replay the current value to a late subscriber', async () => {
    const { elector } = await fleet.join();
    const heard: unknown[] = [];
    elector.leadership$.subscribe((leads) => heard.push(leads));
    elector.term$.subscribe((term) => heard.push(term?.fencingToken));
    elector.leader$.subscribe((holder) => heard.push(holder));

    expect(heard).toEqual([true, 1n, elector.identity]);
  });

  it('replay their last value also after the shutdown, which completes them', async () => {
    const { elector } = await fleet.join();
    await elector.shutdown();

    expect(await firstValueFrom(elector.leadership$)).toBe(false);
    expect(await firstValueFrom(elector.term$)).toBeNull();
    expect(await lastValueFrom(elector.leader$)).toBeNull();
  });

  it('strictly alternate: a lease lost and regained is a false, then a true, with another term', async () => {
    const { elector, heard } = await fleet.join();
    const terms: (LeadershipTerm | null)[] = [];
    elector.term$.subscribe((term) => terms.push(term));
    fleet.store.delete(LEASE);
    await fleet.time.advance(100);

    expect(heard).toEqual([false, true, false, true]);
    expect(terms.map((term) => term?.fencingToken ?? null)).toEqual([1n, null, 3n]);
  });

  it('tell of the end of a term in one tick: gate shut, then signal aborted, then leadership$ false, then term$ null', async () => {
    const { elector } = await fleet.join();
    const order: string[] = [];
    const term = elector.requireTerm();
    term.signal.addEventListener('abort', () => order.push(`aborted, leads: ${elector.isLeader()}`));
    elector.leadership$.subscribe((leads) => leads || order.push(`leadership$, aborted: ${term.signal.aborted}`));
    elector.term$.subscribe((now) => now ?? order.push('term$'));
    void elector.stepDown();

    expect(order).toEqual(['aborted, leads: false', 'leadership$, aborted: true', 'term$']);
    expect(term.signal.reason).toBe('stepped-down');
  });

  it('tell the expiry that a question finds out, within the question', async () => {
    const { elector, clock, heard } = await fleet.join();
    const { signal } = elector.requireTerm();
    clock.pause();
    await fleet.time.advance(12_000);
    expect(heard).toEqual([false, true]);

    expect(elector.isLeader()).toBe(false);
    expect(heard).toEqual([false, true, false]);
    expect(signal.reason).toBe('expired');
    await clock.resume();
  });

  for (const call of ['stepDown', 'stop', 'shutdown'] as const) {
    it(`never tell of leadership that a subscriber of term$ has just ended by ${call}()`, async () => {
      const { elector, heard } = fleet.add();
      elector.term$.subscribe((term) => term && void elector[call]());
      await elector.start();
      await fleet.time.advance(100);

      expect(elector.isLeader()).toBe(false);
      expect(heard.at(-1)).toBe(false);
      expect(fleet.lease?.record.holder).toBeNull();
    });

    it(`tell all subscribers the same order when one of them calls ${call}() on hearing true`, async () => {
      const { elector, heard } = fleet.add();
      const terms: boolean[] = [];
      elector.leadership$.subscribe((leads) => leads && void elector[call]());
      const late: boolean[] = [];
      elector.leadership$.subscribe((leads) => late.push(leads));
      elector.term$.subscribe((term) => terms.push(term !== null));
      await elector.start();
      await fleet.time.advance(100);

      expect(heard).toEqual([false, true, false]);
      expect(late).toEqual(heard);
      expect(terms).toEqual([false, true, false]);
    });
  }

  it('stay coherent when a subscriber asks isLeader() re-entrantly', async () => {
    const { elector } = fleet.add();
    const answers: string[] = [];
    elector.leadership$.subscribe((leads) => answers.push(`${leads}/${elector.isLeader()}`));
    await elector.start();
    await fleet.time.advance(100);
    await elector.stop();

    expect(answers).toEqual(['false/false', 'true/true', 'false/false']);
  });

  it('emit false at stop, and complete only at shutdown', async () => {
    const { elector, heard } = await fleet.join();
    let completed = 0;
    const complete = () => void (completed += 1);
    elector.leadership$.subscribe({ complete });
    elector.term$.subscribe({ complete });
    elector.leader$.subscribe({ complete });
    await elector.stop();
    expect([heard.at(-1), completed]).toEqual([false, 0]);
    await elector.shutdown();
    expect(completed).toBe(3);
  });

  it('name the holder on an observer, and nobody once it has let go', async () => {
    const leader = await fleet.join();
    const observer = await fleet.join({ candidate: false });
    const holders: (string | null)[] = [];
    observer.elector.leader$.subscribe((holder) => holders.push(holder));
    await leader.elector.stop();
    await fleet.time.advance(100);

    expect(holders).toEqual([leader.elector.identity, null]);
  });
});

describe('whenLeader()', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('resolves with the term, at once when there is one', async () => {
    const { elector } = fleet.add();
    const waiting = elector.whenLeader();
    await elector.start();
    await fleet.time.advance(20);

    expect((await waiting).fencingToken).toBe(1n);
    expect(await elector.whenLeader()).toBe(await waiting);
  });

  it('resolves once a term that the wall clock suspended is resumed', async () => {
    const { elector, clock } = await fleet.join();
    fleet.replicas[0]!.store.fault('replace', { kind: 'lost-request' });
    clock.wallOffset += 3_600_000;
    expect(elector.isLeader()).toBe(false);
    let term: LeadershipTerm | undefined;
    void elector.whenLeader().then((now) => (term = now));
    await fleet.time.advance(5_000);

    expect(elector.isLeader()).toBe(true);
    expect(term).toBe(elector.currentTerm());
  });

  it('rejects with ElectionStoppedError at stop, and at once after shutdown', async () => {
    const leader = await fleet.join();
    const { elector } = await fleet.join();
    const waiting = expect(elector.whenLeader()).rejects.toMatchObject({ code: 'ELECTION_STOPPED' });
    await elector.stop();
    await waiting;
    await elector.shutdown();
    await expect(elector.whenLeader()).rejects.toMatchObject({ code: 'ELECTION_STOPPED' });
    expect(leader.elector.isLeader()).toBe(true);
  });

  it('rejects with the reason of its signal', async () => {
    const { elector } = fleet.add();
    const gaveUp = new Error('enough');
    const controller = new AbortController();
    const waiting = expect(elector.whenLeader(controller.signal)).rejects.toBe(gaveUp);
    controller.abort(gaveUp);
    await waiting;
    await expect(elector.whenLeader(controller.signal)).rejects.toBe(gaveUp);
  });
});
