import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { contractCase, recordOf, type StoreContractCase, type StoreContractHarness } from './harness.js';

/** What identifies a state: token, version, uid, and the age of a write. */
export function tokenCases(harness: StoreContractHarness): StoreContractCase[] {
  const rule = (name: string, play: Parameters<typeof contractCase>[2]) => contractCase(harness, name, play);
  const cases = [
    rule('every write has a greater token and a version that never was, under one uid', async (scene) => {
      const handle = await scene.connect();
      let { token } = await handle.read(scene.signal);
      const versions = new Set<string>();
      const uids = new Set<string>();
      for (let write = 1; write <= 30; write++) {
        const written = await scene.write(handle, recordOf(write % 5 ? 'a' : null));
        assert.ok(written.token > token, `token ${written.token} follows ${token}`);
        token = written.token;
        versions.add(written.lease.version);
        uids.add(written.lease.uid);
        assert.equal(versions.size, write, `version ${written.lease.version} recurs`);
      }
      assert.equal(uids.size, 1, 'the uid changes although nobody deleted the lease');
    }),

    rule('a token fits 56 bits, so that an epoch can stand above it', async (scene) => {
      const { token } = await scene.write(await scene.connect(), recordOf('a'));
      assert.ok(token > 0n && token < 1n << 56n, `token ${token}`);
    }),

    rule('an age, where told, is that of the last write and grows from there', async (scene) => {
      const handle = await scene.connect();
      await scene.write(handle, recordOf('a'));
      if ((await handle.read(scene.signal)).lease?.age === undefined) return;
      await pause(60);
      const old = (await handle.read(scene.signal)).lease?.age ?? NaN;
      assert.ok(old >= 40 && old < 60_000, `age ${old} ms, 60 ms after the write`);
      const fresh = (await scene.write(handle, recordOf('a'))).lease.age ?? NaN;
      assert.ok(fresh >= 0 && fresh < old + 60_000, `age ${fresh} ms right after a write`);
    }),
  ];

  const { deleteLease, touchLease } = harness;
  if (deleteLease) {
    cases.push(
      rule(
        'after delete and create anew: greater token, other uid, no old version, no old state accepted',
        async (scene) => {
          const handle = await scene.connect();
          const before = await scene.write(handle, recordOf('a'));
          await deleteLease.call(harness, scene.lease);
          const absent = await handle.read(scene.signal);
          assert.equal(absent.lease, null);
          assert.ok(absent.token >= before.token, `an absent lease has token ${absent.token} after ${before.token}`);
          const onDeleted = await handle.replace(before, recordOf('a'), scene.signal);
          assert.equal(onDeleted.kind, 'conflict', 'a write on the deleted lease');
          assert.equal((await handle.read(scene.signal)).lease, null, 'a write on the deleted lease recreated it');
          const after = await scene.write(handle, recordOf('b'));
          assert.ok(
            after.token > absent.token && after.token > before.token,
            `token ${after.token} after ${before.token}`,
          );
          assert.notEqual(after.lease.uid, before.lease.uid);
          assert.notEqual(after.lease.version, before.lease.version);
          assert.equal((await handle.replace(before, recordOf('a'), scene.signal)).kind, 'conflict');
        },
      ),
    );
  }
  if (touchLease) {
    cases.push(
      rule(
        'an edit beside the record gives a new version of the same record, and outdates what was seen',
        async (scene) => {
          const handle = await scene.connect();
          const before = await scene.write(handle, recordOf('a'));
          await touchLease.call(harness, scene.lease);
          const after = await handle.read(scene.signal);
          assert.deepEqual(after.lease?.record, before.lease.record);
          assert.notEqual(after.lease?.version, before.lease.version);
          assert.ok(after.token > before.token);
          assert.equal((await handle.replace(before, recordOf('a'), scene.signal)).kind, 'conflict');
        },
      ),
    );
  }
  return cases;
}
