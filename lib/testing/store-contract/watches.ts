import assert from 'node:assert/strict';
import type { Snapshot } from '../../election/lease-store.js';
import { contractCase, recordOf, type Scene, type StoreContractCase, type StoreContractHarness } from './harness.js';

/**
 * A watch is a hint, but a prompt one, and it lets go when told. One that its store vouches for (`isWatchVouched`) is believed, so it must
 * show nothing but what a read at some earlier instant would have shown.
 */
export function watchCases(harness: StoreContractHarness): StoreContractCase[] {
  const rule = (name: string, play: (scene: Scene, watch: Watch) => Promise<void>) =>
    contractCase(harness, `watch: ${name}`, async (scene) => {
      const handle = await scene.connect();
      // A store without watch is polled: nothing to keep here.
      if (handle.watch) await play(scene, (signal) => handle.watch!(signal)[Symbol.asyncIterator]());
    });
  const cases = [
    rule('shows the current state first, of an absent lease too', async (scene, watch) => {
      const other = await scene.connect();
      const first = await scene.within(watch(scene.signal).next(), 'the watch shows an absent lease');
      assert.equal(first.value?.lease, null);
      const written = await scene.write(other, recordOf('a'));
      const second = await scene.within(watch(scene.signal).next(), 'the watch shows the current state');
      assert.equal(second.value?.lease?.version, written.lease.version);
      assert.equal(second.value?.token, written.token);
    }),

    rule(
      'shows creation, takeover and release by others, and what it shows can be written on',
      async (scene, watch) => {
        const other = await scene.connect();
        const events = watch(scene.signal);
        await scene.within(events.next(), 'the watch opens');
        for (const holder of ['a', 'b', null]) {
          const written = await scene.write(other, recordOf(holder));
          const seen = await scene.within(until(events, written.token), `the watch shows holder ${holder}`);
          assert.deepEqual(seen.lease?.record, written.lease.record);
          assert.equal(seen.lease?.version, written.lease.version);
          assert.equal(seen.lease?.uid, written.lease.uid);
          const outcome = await other.replace(seen, recordOf(holder), scene.signal);
          assert.equal(outcome.kind, 'applied', 'a write on the state that the watch showed');
        }
      },
    ),

    contractCase(
      harness,
      'watch: where it is vouched for, shows what a read shows, and no absence that a read does not',
      async (scene) => {
        const handle = await scene.connect();
        if (!handle.watch || !handle.isWatchVouched) return;
        const other = await scene.connect();
        const events = handle.watch(scene.signal)[Symbol.asyncIterator]();
        await scene.within(events.next(), 'the watch opens');
        for (const holder of ['a', 'a', 'b']) {
          const written = await scene.write(other, recordOf(holder));
          const shown = await scene.within(until(events, written.token), `the watch shows holder ${holder}`);
          const read = await handle.read(scene.signal);
          assert.deepEqual(shown.lease?.record, read.lease?.record, 'what the watch shows, and a read');
          assert.equal(shown.lease?.version, read.lease?.version);
          assert.equal(shown.token, read.token);
        }
      },
    ),

    rule('catches up with a reader that was away', async (scene, watch) => {
      const other = await scene.connect();
      const events = watch(scene.signal);
      await scene.within(events.next(), 'the watch opens');
      let last = 0n;
      for (let i = 0; i < 20; i++) last = (await scene.write(other, recordOf(`a-${i}`))).token;
      const seen = await scene.within(until(events, last), 'the watch shows the newest state');
      assert.equal(seen.lease?.record.holder, 'a-19');
    }),

    rule('abort settles a pending next()', async (scene, watch) => {
      const abort = new AbortController();
      const events = watch(abort.signal);
      await scene.within(events.next(), 'the watch opens');
      const pending = settled(events.next());
      abort.abort();
      await scene.within(pending, 'next() settles', 1_000);
      assert.ok(await scene.within(settled(events.next()), 'a next() after the end settles', 1_000));
    }),

    rule('opened with an aborted signal settles at once', async (scene, watch) => {
      await scene.within(settled(watch(AbortSignal.abort()).next()), 'next() settles', 1_000);
    }),

    rule('leaving the loop closes it', async (scene, watch) => {
      const events = watch(scene.signal);
      await scene.within(events.next(), 'the watch opens');
      await scene.within(settled(events.return?.() ?? Promise.resolve()), 'return() settles', 1_000);
    }),
  ];

  const { deleteLease } = harness;
  if (deleteLease) {
    cases.push(
      rule('shows a deletion', async (scene, watch) => {
        const written = await scene.write(await scene.connect(), recordOf('a'));
        const events = watch(scene.signal);
        await scene.within(events.next(), 'the watch opens');
        await deleteLease.call(harness, scene.lease);
        const seen = await scene.within(until(events, written.token, true), 'the watch shows the deletion');
        assert.ok(seen.token >= written.token);
      }),
    );
  }
  return cases;
}

type Watch = (signal: AbortSignal) => AsyncIterator<Snapshot>;

/** Reads on until the watch shows `token` or more, or an absent lease. */
async function until(events: AsyncIterator<Snapshot>, token: bigint, absent = false): Promise<Snapshot> {
  for (;;) {
    const { value, done } = await events.next();
    if (done) assert.fail('the watch ended');
    if (absent ? value.lease === null : value.token >= token) return value;
  }
}

async function settled(promise: PromiseLike<unknown>): Promise<boolean> {
  return Promise.resolve(promise).then(
    () => true,
    () => true,
  );
}
