import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it, vi } from 'vitest';

/** What another library keeps: the user of a request, a trace. */
const request = new AsyncLocalStorage<string>();

describe('what the election does by itself', () => {
  beforeEach(() => vi.resetModules());

  it('carries no request, also where one was the first to import it and to make the election', async () => {
    const seen: Record<string, string | undefined> = {};
    const note = (what: string) => {
      seen[what] = request.getStore();
    };
    const fleet = await request.run('of alice', async () => {
      const { ElectorFleet } = await import('../../support/elector-fleet.js');
      const fleet = new ElectorFleet();
      const { elector } = fleet.add(
        {},
        {
          acquired: (term) => {
            note('acquired');
            term.signal.addEventListener('abort', () => note('signal'));
          },
          lost: () => note('lost'),
        },
        () => note('log'),
      );
      elector.term$.subscribe((term) => term !== null && note('term$'));
      elector.leadership$.subscribe((leads) => leads && note('leadership$'));
      await elector.start();
      return fleet;
    });
    await fleet.time.advance(20);
    await request.run('of bob', () => {
      void fleet.replicas[0]!.elector.stepDown();
    });
    await fleet.time.advance(100);
    expect(Object.keys(seen).toSorted()).toEqual(['acquired', 'leadership$', 'log', 'lost', 'signal', 'term$']);
    expect(new Set(Object.values(seen))).toEqual(new Set([undefined]));
    await fleet.stop();
  });

  it('hands nothing on that a handler entered', async () => {
    const { outsideAnyCall } = await import('../../../lib/election/work/outside-any-call.js');
    outsideAnyCall(() => request.enterWith('of a handler'));
    expect(outsideAnyCall(() => request.getStore())).toBeUndefined();
    expect(request.getStore()).toBeUndefined();
  });

  it('leaves the request of the caller as it was', async () => {
    const { outsideAnyCall } = await import('../../../lib/election/work/outside-any-call.js');
    const seen = request.run('of alice', () => [outsideAnyCall(() => request.getStore()), request.getStore()]);
    expect(seen).toEqual([undefined, 'of alice']);
  });
});
