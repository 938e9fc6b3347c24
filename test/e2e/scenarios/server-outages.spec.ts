import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ControlPlane } from '../control-plane/control-plane.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Replica } from '../fleet/replica.js';
import { monotonic } from '../fleet/replica-lines.js';
import { expiry, newFleet, report } from './shared.js';

// One fleet lives through all of it: no process is ever restarted.

let controlPlane: ControlPlane;
let fleet: Fleet;
let leader: Replica;

beforeAll(async () => {
  controlPlane = await ControlPlane.start();
  fleet = await newFleet(controlPlane);
  for (const name of ['a', 'b', 'c']) await fleet.replica(name);
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await controlPlane?.stop();
});
beforeEach(async () => {
  leader = await fleet.leader({ since: monotonic(), patience: 30_000 });
  // Right after a renewal or long before the next: each outage begins at any point of the rhythm.
  await sleep(3_500 + 2_000 * Math.random());
});

/** The leader has stopped before others might lead. */
async function stopsInTime(since: number, allowed: number): Promise<void> {
  const { token } = await leader.until('lost', { since, patience: 30_000 });
  expect(leader.beliefs.find((belief) => belief.token === token)!.to).toBeLessThan(allowed);
}

async function leadsAgain(what: string, within: number): Promise<void> {
  const healed = monotonic();
  const next = await fleet.leader({ since: healed, patience: within });
  report(what, { 'healed until somebody leads, ms': Math.round(monotonic() - healed), same: next === leader });
  expect(fleet.replicas.filter((replica) => replica.gone)).toEqual([]);
}

test('frozen for 8 seconds: the leader leads on', async () => {
  const began = monotonic();
  controlPlane.apiServer.freeze();
  await sleep(8_000);
  controlPlane.apiServer.resume();
  await sleep(6_000);
  expect(leader.of('lost', began)).toEqual([]);
});

test('frozen for 25 seconds: the leader stops in time and one leads again', async () => {
  const began = monotonic();
  const allowed = expiry(await fleet.lease.read());
  controlPlane.apiServer.freeze();
  await sleep(25_000);
  controlPlane.apiServer.resume();
  await leadsAgain('API server frozen 25 s', 15_000);
  // A write that was on its way into the freeze may have been the last one.
  await stopsInTime(began, allowed + 3_000);
});

test('killed, and started again: the leader leads on, or one leads again', async () => {
  await controlPlane.apiServer.kill();
  await sleep(2_000);
  await controlPlane.apiServer.start();
  await leadsAgain('API server killed', 15_000);
});

test('killed, and gone for 20 seconds: the leader stops in time and one leads again', async () => {
  const began = monotonic();
  const allowed = expiry(await fleet.lease.read());
  await controlPlane.apiServer.kill();
  await stopsInTime(began, allowed + 3_000);
  await sleep(8_000);
  await controlPlane.apiServer.start();
  await leadsAgain('API server gone for 20 s', 15_000);
});

test('without its etcd for 20 seconds: the leader stops in time and one leads again', async () => {
  const began = monotonic();
  const allowed = expiry(await fleet.lease.read());
  await controlPlane.etcd.kill();
  await stopsInTime(began, allowed + 3_000);
  await sleep(8_000);
  await controlPlane.etcd.start();
  await leadsAgain('etcd gone for 20 s', 25_000);
});

test('restarted with a certificate of another authority: the new CA is read and one leads again', async () => {
  const authority = controlPlane.rotateCertificates();
  const { caFile } = controlPlane.access;
  const bundle = readFileSync(caFile, 'utf8') + authority;
  writeFileSync(caFile, bundle);
  for (const replica of fleet.replicas) fleet.files(replica).trust(bundle);
  await controlPlane.apiServer.stop();
  await controlPlane.apiServer.start();
  await leadsAgain('certificates rotated', 20_000);
});
