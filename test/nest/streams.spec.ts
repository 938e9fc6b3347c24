import { getEventListeners } from 'node:events';
import { OnlyWhenLeader } from 'nestjs-leader';
import { defer, firstValueFrom, Observable, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { electionProperty } from '../../lib/leader-election.constants.js';
import { ElectorFleet, type Replica } from '../support/elector-fleet.js';

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
  /** What somebody wrote by hand, or brought from another library. */
  @OnlyWhenLeader() given(made: object) {
    return made;
  }
}

const broken = (): never => {
  throw new Error('broken');
};
/** An iterator by hand, whose methods need not keep to the protocol. */
const iterator = (methods: object) => ({
  [Symbol.asyncIterator]() {
    return this;
  },
  next: async () => ({ done: false, value: 1 }),
  return: async () => ({ done: true, value: undefined }),
  ...methods,
});

describe('what a gated method hands back to be consumed later', () => {
  let fleet: ElectorFleet;
  let replica: Replica;
  let work: Work;
  beforeEach(async () => {
    fleet = new ElectorFleet();
    replica = await fleet.join();
    work = Object.assign(new Work(), { [electionProperty('default')]: replica.elector });
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

      for (const attempt of await Promise.allSettled(attempts))
        expect(attempt).toMatchObject({ status: 'rejected', reason: { code: 'NOT_LEADER' } });

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

  describe('is counted off, and its consumer told, where it is', () => {
    const consumed = async (
      made: object,
      consume = async (pages: AsyncIterable<unknown>) => {
        for await (const _ of pages) break;
      },
    ) => {
      await consume(work.given(made) as AsyncIterable<unknown>);
    };
    const odd: Record<string, object> = {
      'an iterator whose next() throws': { next: broken },
      'an iterator whose next() rejects': { next: async () => broken() },
      'an iterator whose next() gives nothing': { next: async () => undefined },
      'an iterator whose next() gives a result that cannot be looked at': {
        next: async () => Object.defineProperty({}, 'done', { get: broken }),
      },
      'an iterator whose return() throws': { return: broken },
      'an iterator whose return() rejects': { return: async () => broken() },
    };
    for (const [what, methods] of Object.entries(odd)) {
      it(what, async () => {
        await expect(consumed(iterator(methods))).rejects.toThrow();
        await fleet.time.advance(0);
        expect(replica.elector.status().running).toBe(0);
      });
    }

    it('an iterator whose next() is not asynchronous', async () => {
      await consumed(iterator({ next: () => ({ done: true, value: 1 }) }));
      await fleet.time.advance(0);
      expect(replica.elector.status().running).toBe(0);
    });

    for (const how of ['throws', 'rejects'] as const) {
      it(`an iterator whose return() ${how} when the term ends`, async () => {
        const pages = work.given(
          iterator({ return: how === 'throws' ? broken : async () => broken(), next: () => new Promise(() => {}) }),
        ) as AsyncIterator<unknown>;
        const next = expect(pages.next()).rejects.toMatchObject({ code: 'NOT_LEADER' });
        await replica.elector.stepDown();
        await next;
        expect(replica.elector.status().running).toBe(0);
        expect(fleet.lease?.record.holder).toBeNull();
      });
    }

    it('a generator that throws when it is told that the term is over', async () => {
      const source = { next: broken, return: broken, [Symbol.iterator]: broken };
      const generator = work.given(source) as Iterator<unknown>;
      await replica.elector.stepDown();
      expect(() => generator.next()).toThrow('does not lead');
    });

    it('a stream of another library whose subscribe() throws', async () => {
      const stream = { lift: broken, subscribe: broken };
      await expect(firstValueFrom(work.given(stream) as Observable<unknown>)).rejects.toThrow('broken');
      expect(replica.elector.status().running).toBe(0);
    });
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
