import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LeadershipTerm } from 'nestjs-leader';
import { FENCING_TOKEN_HEADER, fencedFetch, MemoryFencingTokenStore, parseFencingToken } from 'nestjs-leader/fencing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Gate } from '../../../lib/election/work/gate.js';
import { ElectorFleet, type Replica } from '../../support/elector-fleet.js';

/** Work that lasts until a test ends it. */
function job(): { work: () => Promise<string>; finish: () => void } {
  let finish!: () => void;
  const done = new Promise<string>((resolve) => (finish = () => resolve('done')));
  return { work: () => done, finish };
}

/** What a query builder is: it does its work when somebody waits for it. */
class Query implements PromiseLike<number> {
  // oxlint-disable-next-line unicorn/no-thenable
  constructor(readonly then: PromiseLike<number>['then']) {}
}
const thenable = (run: (resolve: (value: number) => void) => void) =>
  new Query(run as unknown as PromiseLike<number>['then']);

describe('the gate of an election', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('lets work in on the leader, and skips or refuses it on a standby', async () => {
    const leader = await fleet.join();
    const standby = await fleet.join();

    expect(await leader.elector.runIfLeader((term) => term.fencingToken)).toBe(1n);
    expect(await standby.elector.runIfLeader(() => 'ran')).toBeUndefined();
    await expect(standby.elector.runIfLeader(() => 'ran', { onStandby: 'throw' })).rejects.toMatchObject({
      code: 'NOT_LEADER',
    });
  });

  it('passes on what work throws, and forgets the call', async () => {
    const { elector } = await fleet.join();
    await expect(
      elector.runIfLeader(() => {
        throw new Error('own');
      }),
    ).rejects.toThrow('own');
    await expect(elector.runIfLeader(() => Promise.reject(new Error('late')))).rejects.toThrow('late');
    expect(elector.status().running).toBe(0);
  });

  it('joins the term of the work around it, also while that drains', async () => {
    const { elector } = await fleet.join();
    const seen: unknown[] = [];
    const pause = job();
    const around = elector.runIfLeader(async (term) => {
      await pause.work();
      seen.push(elector.isLeader(), elector.currentTerm() === term);
      seen.push(await elector.runIfLeader((joined) => joined === term));
    });
    const left = elector.stepDown();
    await fleet.time.advance(1_000);
    expect(fleet.lease?.record.holder).toBe(elector.identity);
    pause.finish();
    await around;
    await left;

    expect(seen).toEqual([false, true, true]);
    expect(fleet.lease?.record.holder).toBeNull();
  });

  it('throws, and never skips, inside work whose term is over', async () => {
    const { elector, clock } = await fleet.join();
    const pause = job();
    const around = elector.runIfLeader(async () => {
      await pause.work();
      return elector.runIfLeader(() => 'ran');
    });
    clock.pause();
    await fleet.time.advance(12_000);
    pause.finish();

    await expect(around).rejects.toMatchObject({ code: 'NOT_LEADER' });
    await clock.resume();
  });

  describe('in what a call did not await', () => {
    /** `look` runs in term 1's leftovers, after the replica has begun term 3. */
    async function leftover<T>(look: (elector: Replica['elector']) => T, around = (call: () => void) => call()) {
      const { elector } = await fleet.join();
      const later = job();
      let leftBehind!: Promise<T>;
      await elector.runIfLeader(() => {
        around(() => void (leftBehind = later.work().then(() => look(elector))));
      });
      await elector.stepDown({ cooldown: 0 });
      await fleet.time.advance(100);
      expect(elector.requireTerm().fencingToken).toBe(3n);
      later.finish();
      return leftBehind;
    }

    it('gives the term of that call, over as it is, and never the newer one', async () => {
      const [term, required] = await leftover(
        (elector) => [elector.currentTerm(), () => elector.requireTerm()] as const,
      );
      expect([term?.fencingToken, term?.isValid()]).toEqual([1n, false]);
      // Asked outside.
      expect(required().fencingToken).toBe(3n);
    });

    it('refuses where a valid term is required', async () => {
      const left = leftover((elector) => elector.requireTerm());
      await expect(left).rejects.toMatchObject({ code: 'NOT_LEADER' });
    });

    it('sends its old token, which the receiver refuses', async () => {
      const tokens = new MemoryFencingTokenStore();
      const receiver: typeof fetch = async (_, init) => {
        const token = parseFencingToken(new Headers(init?.headers).get(FENCING_TOKEN_HEADER));
        return new Response(null, { status: (await tokens.accept('account 7', token!)) ? 204 : 412 });
      };
      await tokens.accept('account 7', 2n);
      const answer = await leftover((elector) => fencedFetch(elector, receiver)('http://receiver'));
      expect(answer.status).toBe(412);
    });

    it('admits gated calls anew, under the term of the moment', async () => {
      const seen = await leftover((elector) =>
        elector.runIfLeader((term) => [
          term.fencingToken,
          elector.currentTerm() === term,
          elector.requireTerm() === term,
        ]),
      );
      expect(seen).toEqual([3n, true, true]);
    });

    it('knows its term also inside calls of another election, and in what those did not await', async () => {
      const other = new ElectorFleet();
      const second = (await other.join()).elector;
      const seen = await leftover(async (first) => {
        const both = () => [first.currentTerm()?.fencingToken, second.currentTerm()?.fencingToken];
        let beyond!: Promise<unknown>;
        const inside = await second.runIfLeader(() => {
          beyond = new Promise((resolve) => setImmediate(resolve)).then(() => second.runIfLeader(both));
          return both();
        });
        return [inside, await beyond];
      });
      expect(seen).toEqual([
        [1n, 1n],
        [1n, 1n],
      ]);
      await other.stop();
    });

    it('gives that term also where the call was joined to another that has settled, too', async () => {
      let first!: Replica['elector'];
      const seen = await leftover(
        (elector) => (first = elector).currentTerm()?.fencingToken,
        (call) => void fleet.replicas[0]!.elector.runIfLeader(call),
      );
      expect([seen, first.currentTerm()?.fencingToken]).toEqual([1n, 3n]);
    });

    it('may go on under that term while it lasts', async () => {
      const { elector } = await fleet.join();
      let leftBehind!: Promise<unknown>;
      await elector.runIfLeader((term) => {
        leftBehind = new Promise((resolve) => setImmediate(resolve)).then(() => elector.requireTerm() === term);
      });
      expect(await leftBehind).toBe(true);
    });

    it('is not joined during a drain: its call has settled, and nobody waits for it', async () => {
      const { elector } = await fleet.join();
      const [stuck, later] = [job(), job()];
      let leftBehind!: Promise<unknown>;
      await elector.runIfLeader((term) => {
        leftBehind = later.work().then(() => [elector.admit(), elector.admits(term), term.isValid()]);
      });
      void elector.runIfLeader(stuck.work);
      const left = elector.stepDown();
      await fleet.time.advance(1_000);
      later.finish();
      expect(await leftBehind).toEqual([null, false, true]);
      stuck.finish();
      await fleet.time.advance(10);
      await left;
    });
  });

  it('remembers none of the calls that have settled, however long work keeps calling its successor', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const gate = new Gate('orders', () => null);
    const terms: WeakRef<LeadershipTerm>[] = [];
    let ended!: () => void;
    const atLast = new Promise<void>((resolve) => (ended = resolve));
    const remembered = () => terms.filter((term) => term.deref() !== undefined).length;
    let ofTwenty = 0;
    // Called from inside, unawaited, and from a timer that was set inside: the two ways in which pollers go round.
    const poll = async (left: number): Promise<void> => {
      if (left === 0) {
        // In the context of the last call still, and in a turn in which nobody has looked at a WeakRef.
        await new Promise((resolve) => setImmediate(resolve));
        collect();
        ofTwenty = remembered();
        return ended();
      }
      const term = { isValid: () => true } as LeadershipTerm;
      terms.push(new WeakRef(term));
      const next = () => void poll(left - 1);
      await gate.track(term, async () => (left % 2 === 0 ? next() : setImmediate(next)));
    };
    void poll(20);
    await atLast;

    expect(terms).toHaveLength(20);
    expect(ofTwenty).toBeLessThanOrEqual(3);
  });

  it('runs a lazy thenable, as query builders return, once', async () => {
    const { elector } = await fleet.join();
    let runs = 0;
    const query = thenable((resolve) => resolve(++runs));
    expect(await elector.runIfLeader(() => query as Promise<number>)).toBe(1);
    expect(await elector.track(elector.requireTerm(), () => query)).toBe(2);
    expect(elector.status().running).toBe(0);
  });

  describe('counts off, once, work that hands back', () => {
    const broken = (): never => {
      throw new Error('broken');
    };
    class Odd extends Promise<number> {}
    /** Made thenable on purpose. */
    const then = <T extends object>(target: T, descriptor: PropertyDescriptor): T =>
      Object.defineProperty(target, String('then'), descriptor);
    const odd = (value: unknown) => then(Odd.resolve(7), { value });
    const refused: Record<string, () => unknown> = {
      'a thenable that throws': () => thenable(broken),
      'a promise of its own kind whose `then` throws': () => odd(broken),
      'a promise of its own kind that cannot make another': () =>
        Object.defineProperty(Odd.resolve(7), 'constructor', { value: { [Symbol.species]: broken } }),
      'an object whose `then` cannot be looked at': () => then({}, { get: broken }),
      'a function whose `then` throws': () => then(() => {}, { value: broken }),
      'what only looks like a promise': () => Object.create(Promise.prototype),
      'a stand-in for a promise': () => new Proxy(Promise.resolve(7), {}),
      'a stand-in for nothing any more': () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    };
    for (const [what, make] of Object.entries(refused)) {
      it(what, async () => {
        const { elector } = await fleet.join();
        const beside = job();
        void elector.runIfLeader(beside.work);
        await expect(elector.runIfLeader(make)).rejects.toThrow();
        const track = async () => elector.track(elector.requireTerm(), make);
        await expect(track()).rejects.toThrow();
        expect(elector.status().running).toBe(1);
        beside.finish();
      });
    }

    it('a promise of its own kind that calls back twice', async () => {
      const { elector } = await fleet.join();
      const beside = job();
      void elector.runIfLeader(beside.work);
      const twice = (resolve: (value: number) => void) => [resolve(7), resolve(8)];
      expect(await elector.runIfLeader(() => odd(twice))).toBe(7);
      expect(await elector.runIfLeader(() => thenable(twice) as Promise<number>)).toBe(7);
      expect(elector.status().running).toBe(1);
      beside.finish();
    });

    it('a function that is a query', async () => {
      const { elector } = await fleet.join();
      const query = then(() => 'built', { value: (resolve: (value: number) => void) => resolve(7) });
      expect(await elector.track(elector.requireTerm(), () => query)).toBe(7);
      expect(elector.status().running).toBe(0);
    });
  });

  it('lets work wait for the step-down that it asked for, and releases when that work settles', async () => {
    const { elector } = await fleet.join();
    const after = job();
    let resumed = false;
    const around = elector.runIfLeader(async () => {
      await elector.stepDown();
      resumed = true;
      await after.work();
    });
    await fleet.time.advance(3_500);
    expect(resumed).toBe(true);
    expect(fleet.lease?.record.holder).toBe(elector.identity);
    after.finish();
    await around;
    await fleet.time.advance(10);

    expect(fleet.lease?.record.holder).toBeNull();
  });

  it('does not let two calls wait for each other that both ask to step down', async () => {
    const { elector } = await fleet.join();
    const meanwhile = job();
    const quit = () => elector.runIfLeader(() => meanwhile.work().then(() => elector.stepDown()));
    const both = Promise.all([quit(), quit()]);
    meanwhile.finish();
    await fleet.time.advance(100);
    await both;

    expect(fleet.lease?.record.holder).toBeNull();
  });

  it('lets stop() inside work resolve once all other work has drained', async () => {
    const { elector } = await fleet.join();
    const other = job();
    let stopped = false;
    void elector.runIfLeader(other.work);
    const around = elector.runIfLeader(async () => {
      await elector.stop();
      stopped = true;
    });
    await fleet.time.advance(1_000);
    expect(stopped).toBe(false);
    other.finish();
    await fleet.time.advance(10);
    await around;

    expect(stopped).toBe(true);
    expect(fleet.lease?.record.holder).toBeNull();
  });
});

describe('a drain that times out', () => {
  let fleet: ElectorFleet;
  beforeEach(() => {
    fleet = new ElectorFleet();
  });
  afterEach(() => fleet.stop());

  it('leaves the lease to expire, while the term stays valid for the work by the clocks', async () => {
    const leader = await fleet.join({ drainTimeout: 5_000 });
    const standby = await fleet.join();
    const stuck = job();
    const term = leader.elector.requireTerm();
    void leader.elector.runIfLeader(stuck.work);
    const left = leader.elector.stepDown();
    await fleet.time.advance(5_000);
    await left;
    expect(term.isValid()).toBe(true);
    expect(fleet.lease?.record.holder).toBe(leader.elector.identity);
    const renewedBefore = fleet.lease!.version;
    await fleet.time.advance(8_000);
    expect(fleet.lease!.version).toBe(renewedBefore);
    await fleet.time.advance(8_000);

    expect(term.isValid()).toBe(false);
    expect(standby.elector.isLeader()).toBe(true);
    stuck.finish();
  });

  it('keeps this replica out while that work runs, also across stop() and start(), and lets it back in afterwards', async () => {
    const { elector } = await fleet.join({ drainTimeout: 5_000 });
    const stuck = job();
    void elector.runIfLeader(stuck.work);
    const stopped = elector.stop();
    await fleet.time.advance(5_000);
    await stopped;
    await elector.start();
    await fleet.time.advance(120_000);
    expect(elector.status()).toMatchObject({ role: 'standby', running: 1, terms: 1 });
    stuck.finish();
    await fleet.time.advance(100);

    expect(elector.isLeader()).toBe(true);
  });
});
