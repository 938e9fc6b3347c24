import { getEventListeners } from 'node:events';
import { OnlyWhenLeader } from 'nestjs-leader';
import { defer, firstValueFrom, Observable, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { electionProperty } from '../../lib/leader-election.constants.js';
import { LeaderElectionService } from '../../lib/leader-election.service.js';
import { Fleet, type Replica } from '../support/fleet.js';

class Work {
  begun: string[] = [];

  @OnlyWhenLeader() observable() {
    return defer(() => of(this.begun.push('observable')));
  }
  @OnlyWhenLeader() *generator() {
    yield this.begun.push('generator');
  }
  @OnlyWhenLeader() async *asyncGenerator() {
    yield this.begun.push('first page');
    yield this.begun.push('second page');
  }
  @OnlyWhenLeader() endless() {
    return new Observable<number>();
  }
}

describe('what a gated method hands back to be consumed later', () => {
  let fleet: Fleet;
  let replica: Replica;
  let work: Work;
  beforeEach(async () => {
    fleet = new Fleet();
    replica = await fleet.join();
    work = Object.assign(new Work(), { [electionProperty('default')]: new LeaderElectionService(replica.elector) });
  });
  afterEach(() => fleet.stop());

  const pauses: Array<[string, (clock: Replica['clock']) => void]> = [
    ['a pause that outlived the term', (clock) => clock.pause()],
    ['the wall clock was set beyond the end of the term', (clock) => (clock.wallOffset += 12_000)],
  ];
  for (const [what, strike] of pauses) {
    it(`begins nothing after ${what}: nobody has told the signal yet`, async () => {
      const [observable, generator, pages, begunPages] = [
        work.observable(),
        work.generator(),
        work.asyncGenerator(),
        work.asyncGenerator(),
      ];
      await begunPages.next();
      strike(replica.clock);
      if (what.startsWith('a pause')) await fleet.time.advance(12_000);
      const step = async (begin: () => unknown) => begin();
      // All at once: a term that the wall clock has suspended goes on with its next renewal.
      const attempts = [begunPages.next(), firstValueFrom(observable), step(() => generator.next()), pages.next()];

      for (const attempt of await Promise.allSettled(attempts)) {
        expect(attempt).toMatchObject({ status: 'rejected', reason: { code: 'NOT_LEADER' } });
      }
      expect(work.begun).toEqual(['first page']);
      await replica.clock.resume();
      await fleet.time.advance(0);
      expect(replica.elector.status().running).toBe(0);
    });
  }

  it('may begin while the work around it is drained, and is drained with it', async () => {
    let drains!: () => void;
    const draining = new Promise<void>((resolve) => (drains = resolve));
    const around = replica.elector.runIfLeader(async () => {
      await draining;
      const pages: number[] = [];
      for await (const page of work.asyncGenerator()) pages.push(page);
      return [await firstValueFrom(work.observable()), ...work.generator(), ...pages];
    });
    const left = replica.elector.stepDown();
    drains();

    await expect(around).resolves.toEqual([3, 4, 1, 2]);
    await left;
    expect(fleet.lease?.record.holder).toBeNull();
  });

  it('leaves nothing on the signal of the term once it is consumed', async () => {
    const { signal } = replica.elector.requireTerm();
    const before = getEventListeners(signal, 'abort').length;
    for await (const _ of work.asyncGenerator());
    await firstValueFrom(work.observable());
    await new Promise((resolve) => setImmediate(resolve));

    expect(getEventListeners(signal, 'abort')).toHaveLength(before);
    expect(work.begun).toEqual(['first page', 'second page', 'observable']);
  });

  it('may be any number of open streams', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => void warnings.push(warning);
    process.on('warning', warned);
    const open = Array.from({ length: 20 }, () => work.endless().subscribe());
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warned);
    for (const subscription of open) subscription.unsubscribe();

    expect(warnings).toEqual([]);
  });
});
