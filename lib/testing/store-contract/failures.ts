import assert from 'node:assert/strict';
import { isLeaderElectionError } from '../../election/errors.js';
import { contractCase, recordOf, type Scene, type StoreContractCase, type StoreContractHarness } from './harness.js';

/** What a store does when it cannot: it says so, in time, and never through a rejected `replace`. */
export function failureCases(harness: StoreContractHarness): StoreContractCase[] {
  const rule = (name: string, play: (scene: Scene) => Promise<void>) => contractCase(harness, name, play);
  const cases = [
    rule(
      'an aborted signal: read rejects, replace answers and writes nothing that it does not admit',
      async (scene) => {
        const handle = await scene.connect();
        const before = await scene.write(handle, recordOf('a'));
        await scene.within(
          assert.rejects(handle.read(AbortSignal.abort()), 'a read with an aborted signal resolves'),
          'read settles',
          1_000,
        );
        const outcome = await scene.within(
          handle.replace(before, recordOf('b'), AbortSignal.abort()),
          'replace settles',
          1_000,
        );
        assert.ok(outcome.kind === 'unknown' || outcome.kind === 'rejected', `replace answers ${outcome.kind}`);
        if (outcome.kind === 'rejected')
          assert.equal((await handle.read(scene.signal)).lease?.version, before.lease.version);
      },
    ),

    rule(
      'a signal that aborts in the middle of writes never makes one reject, and a conflict wrote nothing',
      async (scene) => {
        const handle = await scene.connect();
        for (let i = 0; i < 20; i++) {
          const seen = await handle.read(scene.signal);
          const abort = new AbortController();
          const record = recordOf(`a-${i}`);
          const answer = handle.replace(seen, record, abort.signal);
          for (let turn = 0; turn < i; turn++) await new Promise(setImmediate);
          abort.abort();
          const outcome = await scene.within(answer, 'replace settles');
          assert.ok(['applied', 'unknown', 'rejected'].includes(outcome.kind), `undisturbed, and yet ${outcome.kind}`);
          const stands = (await handle.read(scene.signal)).lease?.record.writeId === record.writeId;
          if (outcome.kind === 'applied') assert.ok(stands, 'an applied write is not there');
          if (outcome.kind === 'rejected') assert.ok(!stands, 'a rejected write is there');
          // A write that is still on its way would make the next round conflict: let it land.
          if (outcome.kind === 'unknown' && !stands) await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
    ),

    rule('a holder that lives is not taken for dead, nor is nobody', async (scene) => {
      const handle = await scene.connect();
      if (!handle.isHolderGone) return;
      assert.equal(await handle.isHolderGone(await handle.read(scene.signal), scene.signal), false);
      assert.equal(await handle.isHolderGone(await scene.write(handle, recordOf('a')), scene.signal), false);
      assert.equal(await handle.isHolderGone(await scene.write(handle, recordOf(null)), scene.signal), false);
    }),

    rule('closing twice is closing once', async (scene) => {
      const store = await scene.store();
      await store.open(scene.lease).read(scene.signal);
      await store.close?.();
      await store.close?.();
    }),
  ];

  const { unreachable } = harness;
  if (unreachable) {
    cases.push(
      rule('out of reach: errors with code and advice, outcomes and no rejections', async (scene) => {
        const handle = (await scene.store(unreachable.call(harness))).open(scene.lease);
        const error = await scene.within(
          handle.read(scene.signal).catch((thrown: unknown) => thrown),
          'read settles',
        );
        assert.ok(isLeaderElectionError(error), `read gave ${String(error)}`);
        assert.match(error.code, /^STORE_/);
        assert.ok(error.advice, 'the error says what to do');
        const absent = { lease: null, token: 0n };
        const outcome = await scene.within(handle.replace(absent, recordOf('a'), scene.signal), 'replace settles');
        assert.ok(outcome.kind === 'rejected' || outcome.kind === 'unknown', `replace answers ${outcome.kind}`);
        assert.ok(isLeaderElectionError(outcome.cause), `replace gives as cause ${String(outcome.cause)}`);
      }),
    );
  }
  return cases;
}
