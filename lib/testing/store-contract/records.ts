import assert from 'node:assert/strict';
import type { LeaseRecord } from '../../election/lease-record.js';
import { contractCase, recordOf, type StoreContractCase, type StoreContractHarness } from './harness.js';

/** A record comes back as it was written, whatever it says. */
export function recordCases(harness: StoreContractHarness): StoreContractCase[] {
  const keeps = (what: string, record: (resolution: number) => LeaseRecord) =>
    contractCase(harness, `keeps ${what}`, async (scene) => {
      const store = await scene.store();
      const sent = record(store.resolution ?? 1);
      await scene.write(store.open(scene.lease), sent);
      const back = (await (await scene.connect()).read(scene.signal)).lease?.record;
      assert.ok(back, 'the lease is there');
      // A microsecond is what a Kubernetes MicroTime carries; below it a store may round.
      assert.ok(
        near(back.acquiredAt, sent.acquiredAt),
        `acquiredAt ${sent.acquiredAt} came back as ${back.acquiredAt}`,
      );
      assert.ok(near(back.renewedAt, sent.renewedAt), `renewedAt ${sent.renewedAt} came back as ${back.renewedAt}`);
      const { acquiredAt, renewedAt } = back;
      assert.deepEqual(back, { ...sent, acquiredAt, renewedAt });
    });

  const cases = [
    keeps('who, how long, since when and which term', () => recordOf('orders-7f9c_2b1e')),
    keeps('a release: nobody, with the mark of the term that let go', () => recordOf(null, { term: 'the-term' })),
    keeps('an empty lease that no term marked', () => recordOf(null, { term: null, writeId: null })),
    keeps('microseconds', () => recordOf('a', { acquiredAt: 1_767_225_600_123.456, renewedAt: 1_767_225_601_000.001 })),
    keeps('a duration down to the resolution of the store', (resolution) =>
      recordOf('a', { duration: 7 * resolution }),
    ),
    keeps('a duration and times that are not stated', () =>
      recordOf('a', { duration: 0, acquiredAt: null, renewedAt: null }),
    ),
    keeps('a holder with spaces, quotes, slashes and letters of any script', () =>
      recordOf(`a b/"c"\\'d' é 班长 ${'x'.repeat(100)}`),
    ),
  ];

  cases.push(
    keeps('a ledger, to the byte and up to 16 KiB', () =>
      recordOf('a', { ledger: `{"v":1,"a":"${'x'.repeat(16_374)}"}` }),
    ),
    contractCase(
      harness,
      'keeps the ledger under a writer that brings none, through releases and takeovers',
      async (scene) => {
        const [ours, theirs] = [await scene.connect(), await scene.connect()];
        const ledger = '{"v":1,"jobs":{}}';
        await scene.write(ours, recordOf('a', { ledger }));
        for (const holder of ['a', null, 'b']) {
          await scene.write(theirs, recordOf(holder));
          assert.equal((await ours.read(scene.signal)).lease?.record.ledger, ledger);
        }
        await scene.write(ours, recordOf('b', { ledger: '{}' }));
        assert.equal((await theirs.read(scene.signal)).lease?.record.ledger, '{}');
      },
    ),
    contractCase(harness, 'a lease that was never given a ledger has none', async (scene) => {
      const handle = await scene.connect();
      await scene.write(handle, recordOf('a'));
      assert.equal('ledger' in (await handle.read(scene.signal)).lease!.record, false);
    }),
  );

  const { changeHolder } = harness;
  if (changeHolder) {
    cases.push(
      contractCase(harness, 'keeps the ledger under a foreign change of holder', async (scene) => {
        const handle = await scene.connect();
        await scene.write(handle, recordOf('a', { ledger: '{"v":1}' }));
        await changeHolder.call(harness, scene.lease, 'somebody-else');
        assert.equal((await handle.read(scene.signal)).lease?.record.ledger, '{"v":1}');
      }),
    );
    for (const holder of ['somebody-else', null]) {
      cases.push(
        contractCase(harness, `a foreign change of holder to ${holder} voids term and writeId`, async (scene) => {
          const handle = await scene.connect();
          const before = await scene.write(handle, recordOf('a'));
          await changeHolder.call(harness, scene.lease, holder);
          const after = await handle.read(scene.signal);
          assert.equal(after.lease?.record.holder, holder);
          assert.equal(after.lease?.record.term, null);
          assert.equal(after.lease?.record.writeId, null);
          assert.ok(after.token > before.token);
          assert.equal((await handle.replace(before, recordOf('a'), scene.signal)).kind, 'conflict');
        }),
      );
    }
  }
  return cases;
}

function near(a: number | null, b: number | null): boolean {
  return a === null || b === null ? a === b : Math.abs(a - b) < 0.001;
}
