import assert from 'node:assert/strict';
import type { LeaseHandle } from '../../election/lease-store.js';
import {
  contractCase,
  describeOutcome,
  recordOf,
  type StoreContractCase,
  type StoreContractHarness,
} from './harness.js';

/** A lease changes only under the hand of one who has seen what it is. */
export function compareAndSwapCases(harness: StoreContractHarness): StoreContractCase[] {
  const rule = (name: string, play: Parameters<typeof contractCase>[2]) => contractCase(harness, name, play);
  const kindOf = async (answer: ReturnType<LeaseHandle['replace']>) => (await answer).kind;
  return [
    rule('a lease that nobody wrote is absent and has a token', async (scene) => {
      const { lease, token } = await (await scene.connect()).read(scene.signal);
      assert.equal(lease, null);
      assert.equal(typeof token, 'bigint');
    }),

    rule('creates only where the lease is absent', async (scene) => {
      const [a, b] = [await scene.connect(), await scene.connect()];
      const absent = await b.read(scene.signal);
      const written = await scene.write(a, recordOf('a'));
      assert.equal(await kindOf(b.replace(absent, recordOf('b'), scene.signal)), 'conflict');
      assert.deepEqual(stateOf(await b.read(scene.signal)), stateOf(written));
    }),

    rule('an applied write answers with what every client reads from then on', async (scene) => {
      const [a, b] = [await scene.connect(), await scene.connect()];
      for (const holder of ['a', 'b', null, 'c']) {
        const written = await scene.write(a, recordOf(holder));
        assert.deepEqual(stateOf(await a.read(scene.signal)), stateOf(written));
        assert.deepEqual(stateOf(await b.read(scene.signal)), stateOf(written));
      }
    }),

    rule('refuses a write on a state that has passed, and changes nothing', async (scene) => {
      const [a, b] = [await scene.connect(), await scene.connect()];
      const first = await scene.write(a, recordOf('a'));
      const second = await scene.write(a, recordOf('a'));
      assert.equal(await kindOf(b.replace(first, recordOf('b'), scene.signal)), 'conflict');
      assert.deepEqual(stateOf(await b.read(scene.signal)), stateOf(second));
    }),

    rule('accepts what another client saw, and what a chain of own writes showed', async (scene) => {
      const [a, b] = [await scene.connect(), await scene.connect()];
      let seen = await a.read(scene.signal);
      for (let turn = 0; turn < 6; turn++) {
        const outcome = await (turn % 2 ? a : b).replace(seen, recordOf(`turn-${turn}`), scene.signal);
        if (outcome.kind !== 'applied') assert.fail(describeOutcome(outcome));
        seen = outcome.snapshot;
      }
    }),

    rule('leases of different names, or of one name in different namespaces, do not touch', async (scene) => {
      const { name, namespace } = scene.lease;
      const ours = await scene.connect();
      const neighbour = await scene.connect({ name: `${name}-b`, namespace });
      const written = await scene.write(ours, recordOf('a'));
      assert.equal((await neighbour.read(scene.signal)).lease, null);
      await scene.write(neighbour, recordOf('b'));
      assert.deepEqual(stateOf(await ours.read(scene.signal)), stateOf(written));
    }),

    rule('of many who write on the same state exactly one is applied, round after round', async (scene) => {
      const clients = await Promise.all(Array.from({ length: 8 }, () => scene.connect()));
      for (let round = 0; round < 10; round++) {
        const seen = await clients[round % clients.length]!.read(scene.signal);
        const attempts = clients.map((client, i) => ({ client, record: recordOf(`client-${i}`) }));
        const outcomes = await Promise.all(
          attempts.map(({ client, record }) => client.replace(seen, record, scene.signal)),
        );
        const kinds = outcomes.map(describeOutcome).toSorted();
        assert.deepEqual(kinds, ['applied', ...Array.from({ length: clients.length - 1 }, () => 'conflict')]);
        const winner = attempts[outcomes.findIndex(({ kind }) => kind === 'applied')]!;
        assert.equal((await clients[0]!.read(scene.signal)).lease?.record.writeId, winner.record.writeId);
      }
    }),

    rule('no update is lost among clients that read, change and write as fast as they can', async (scene) => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => scene.connect()));
      await scene.write(clients[0]!, recordOf('counter', { transitions: 0 }));
      const count = async (client: LeaseHandle, times: number) => {
        for (let done = 0; done < times;) {
          const seen = await client.read(scene.signal);
          const transitions = seen.lease!.record.transitions + 1;
          const outcome = await client.replace(seen, recordOf('counter', { transitions }), scene.signal);
          if (outcome.kind === 'applied') done += 1;
          else assert.equal(describeOutcome(outcome), 'conflict');
        }
      };
      await scene.within(Promise.all(clients.map((client) => count(client, 10))), 'forty counted updates end', 60_000);
      assert.equal((await clients[0]!.read(scene.signal)).lease?.record.transitions, 40);
    }),
  ];
}

/** Age and clock move by themselves; everything else of a snapshot is state. */
function stateOf({ lease, token }: Awaited<ReturnType<LeaseHandle['read']>>) {
  if (!lease) return { lease, token };
  const { age: _, ...rest } = lease;
  return { lease: rest, token };
}
