import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Fleet } from '../fleet/fleet.js';
import type { Replica } from '../fleet/replica.js';
import { monotonic } from '../fleet/replica-lines.js';
import { expiry, figures, newFleet, report } from './shared.js';

type Start = (fleet: Fleet, name: string) => Promise<Replica>;
// Sampling every 20 ms: at every 5 ms the samples of a fleet would themselves delay what is measured.
const ours: Start = (fleet, name) => fleet.replica(name, { program: 'nest', args: ['--sample-every', '20'] });
const clientGo: Start = (fleet, name) => fleet.goReplica(name, { args: ['-sample-every', '20ms'] });
/** The requests alone: what this machine asks of any handover. */
const bare: Start = (fleet, name) => fleet.replica(name, { program: 'bare' });

/** Milliseconds from SIGTERM on the leader to the standby's first admitted work, again and again. */
async function handovers(start: Start, times: number): Promise<number[]> {
  await using fleet = await newFleet();
  const took: number[] = [];
  let leader = await start(fleet, 'r0');
  await leader.until('admitted');
  for (let i = 1; i <= times; i++) {
    const standby = await start(fleet, `r${i}`);
    await standby.until('holder');
    await sleep(300);
    const asked = monotonic();
    leader.terminate();
    took.push((await standby.until('admitted')).t - asked);
    await leader.exited;
    leader = standby;
  }
  return took;
}

/** Milliseconds from the instant at which the lease of a killed leader may be taken to its successor's first admitted work. */
async function crash(start: Start): Promise<number> {
  await using fleet = await newFleet();
  const leader = await start(fleet, 'leader');
  await leader.until('admitted');
  const standby = await start(fleet, 'standby');
  await standby.until('holder');
  // A standby counts from when it saw the last renewal: let it see one, and die at any point between two.
  await sleep(4_000 + 3_000 * Math.random());
  await leader.kill();
  const allowed = expiry(await fleet.lease.read());
  return (await standby.until('admitted')).t - allowed;
}

test('SIGTERM hands over at least ten times sooner than client-go does on the same API server', async () => {
  const mine = figures(await handovers(ours, 20));
  const theirs = figures(await handovers(clientGo, 10));
  const requestsAlone = figures(await handovers(bare, 20));
  report('SIGTERM to the first work of the successor, ms', { mine, clientGo: theirs, requestsAlone });
  expect(mine.p50).toBeLessThan(theirs.p50 / 10);
});

test('a killed leader is succeeded when its lease ends, not later', async () => {
  const [mine, theirs] = await Promise.all([
    Promise.all([crash(ours), crash(ours), crash(ours)]),
    Promise.all([crash(clientGo), crash(clientGo), crash(clientGo)]),
  ]);
  report('SIGKILL: successor leads after the end of the lease, ms', { mine: figures(mine), clientGo: figures(theirs) });
  for (const late of mine) expect(late).toBeGreaterThanOrEqual(0);
  expect(figures(mine).p50).toBeLessThan(figures(theirs).p50);
});
