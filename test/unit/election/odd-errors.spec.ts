import type { LeaseHandle } from 'nestjs-leader';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ElectorFleet } from '../../support/elector-fleet.js';
import { tampered } from '../../support/hostile-store.js';

const broken = (): never => {
  throw new Error('broken');
};
const error = (property: string) => Object.defineProperty(new Error('odd'), property, { get: broken });

/** What may be thrown, and does not like to be looked at. */
const odd: Record<string, () => unknown> = {
  'a proxy that was revoked': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a proxy that refuses everything': () => new Proxy(new Error(), { getPrototypeOf: broken, get: broken, has: broken }),
  'an error without a message': () => error('message'),
  'an error without a stack': () => error('stack'),
  'an error without a code': () => error('code'),
  'an object that throws when it is printed': () => ({ [Symbol.for('nodejs.util.inspect.custom')]: broken }),
  undefined: () => undefined,
};

describe('what is thrown', () => {
  let fleet: ElectorFleet;
  let unheard: unknown[];
  beforeEach(() => {
    fleet = new ElectorFleet();
    unheard = [];
    const listener = (reason: unknown) => void unheard.push(reason);
    process.on('unhandledRejection', listener);
    onTestFinished(() => void process.off('unhandledRejection', listener));
  });
  afterEach(async () => {
    await fleet.stop();
    expect(unheard).toEqual([]);
  });

  for (const [what, make] of Object.entries(odd)) {
    for (const where of ['read', 'replace', 'unknown', 'rejected', 'watch', 'isHolderGone'] as const) {
      it(`${what}, by a store (${where}), is a failure like any other`, async () => {
        let breaks = false;
        const tamper = (handle: LeaseHandle): Partial<LeaseHandle> => ({
          read: (signal) => (breaks && where === 'read' ? Promise.reject(make()) : handle.read(signal)),
          replace: async (...call) => {
            if (breaks && where === 'replace') throw make();
            if (breaks && (where === 'unknown' || where === 'rejected')) return { kind: where, cause: make() };
            return handle.replace(...call);
          },
          watch: async function* (signal) {
            if (breaks && where === 'watch') throw make();
            yield* handle.watch!(signal);
          },
          isHolderGone: async () => {
            if (breaks && where === 'isHolderGone') throw make();
            return false;
          },
          holderProbeInterval: 200,
        });
        const store = tampered(fleet.store, tamper);
        const { elector } = await fleet.join({ store });
        await fleet.join({ store });
        breaks = true;
        await fleet.time.advance(20_000);
        if (where === 'replace' || where === 'rejected')
          expect(elector.status().lastError).toMatchObject({ code: 'STORE_FAILED', message: expect.any(String) });

        breaks = false;
        await fleet.time.advance(60_000);
        expect(fleet.leaders).toHaveLength(1);
      });
    }

    it(`${what}, by handlers, is told, and the next handlers are called`, async () => {
      const heard: string[] = [];
      const { elector } = await fleet.join(
        {},
        {
          acquired() {
            heard.push('acquired');
            throw make();
          },
          async lost() {
            heard.push('lost');
            throw make();
          },
        },
      );
      await elector.stepDown({ cooldown: 0 });
      await fleet.time.advance(5_000);
      expect(heard).toEqual(['acquired', 'lost', 'acquired']);
      expect(elector.status().lastError).toMatchObject({
        code: 'HANDLER_FAILED',
        message: expect.stringContaining('A leadership handler failed: '),
      });
    });
  }

  it('by an asynchronous log costs nothing', async () => {
    const { elector } = await fleet.join({}, undefined, (async () => broken()) as never);
    await new Promise((resolve) => setImmediate(resolve));
    expect(elector.isLeader()).toBe(true);
  });
});
