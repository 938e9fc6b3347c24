import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { LeaseRecord } from '../../lib/election/lease-record.js';
import { postgresLease } from '../../lib/stores/postgres/index.js';
import { monotonic } from '../e2e/fleet/replica-lines.js';
import { Cleanup } from './cleanup.js';
import { Cluster } from './cluster.js';
import { PostgresFleet } from './postgres-fleet.js';
import { Switchboard } from './switchboard.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const record = (holder: string): LeaseRecord => ({
  holder,
  duration: 15_000,
  acquiredAt: Date.now(),
  renewedAt: Date.now(),
  transitions: 0,
  term: randomUUID(),
  writeId: randomUUID(),
});
const soon = () => AbortSignal.timeout(2_000);

describe('a server that restarts', () => {
  for (const how of ['fast', 'immediate'] as const) {
    it(`(${how}) costs at most the term: there is one leader again, and tokens grow`, async () => {
      const cluster = cleanup.use(await Cluster.create());
      const fleet = cleanup.use(new PostgresFleet(cluster.url));
      await fleet.pair();
      for (const outage of [0, 4_000]) {
        await cluster.stop(how);
        await sleep(outage);
        await cluster.start();
        const healed = monotonic();
        await Promise.any(
          fleet.replicas.map((replica) => replica.until('sample', { since: healed, where: ({ leader }) => leader })),
        );
        await sleep(500);
      }
      fleet.expectOneBelieverAtATime();
      fleet.expectGrowingTokens();
    });
  }

  it('in the middle of writes takes back none that it confirmed and lands none that it refused', async () => {
    const cluster = cleanup.use(await Cluster.create());
    const store = postgresLease({ connection: cluster.url });
    cleanup.defer(() => store.close?.());
    const lease = store.open({ name: 'hammered' });
    let last = await lease.read(soon());
    const fates = { applied: 0, unknown: 0, landed: 0, rejected: 0 };
    for (let crash = 0; crash < 5; crash++) {
      const crashing = sleep(150 + 40 * crash).then(() => cluster.restart('immediate'));
      const restarted = new AbortController();
      void crashing.then(() => restarted.abort());
      while (!restarted.signal.aborted) {
        const attempt = record(`writer-${crash}`);
        const outcome = await lease.replace(last, attempt, soon());
        expect(outcome.kind).not.toBe('conflict');
        if (outcome.kind === 'applied') {
          expect(outcome.snapshot.token).toBeGreaterThan(last.token);
          last = outcome.snapshot;
          fates.applied += 1;
          continue;
        }
        if (outcome.kind === 'rejected') {
          fates.rejected += 1;
          await sleep(5);
          continue;
        }
        fates.unknown += 1;
        await crashing;
        const now = await lease.read(soon());
        const landed = now.lease?.record.writeId === attempt.writeId;
        if (landed) fates.landed += 1;
        else expect(now.lease?.version).toBe(last.lease?.version);
        last = now;
      }
      await crashing;
      expect((await lease.read(soon())).lease?.version).toBe(last.lease?.version);
    }
    console.log(JSON.stringify(fates));
    expect(fates.applied).toBeGreaterThan(50);
    expect(fates.unknown).toBeGreaterThan(0);
  });
});

/** A primary, its streaming standby, and one address for whichever leads. */
async function replicated(settings: Record<string, string> = {}) {
  const primary = cleanup.use(await Cluster.create());
  // What the replicas need is there before the copy is taken.
  await warmUp(primary.url);
  await primary.stop();
  const standby = cleanup.use(
    await primary.copy({ primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres application_name=twin` }),
  );
  await primary.start();
  await standby.start();
  await expect
    .poll(async () => (await primary.query('SELECT count(*)::int AS n FROM pg_stat_replication'))[0]?.n)
    .toBe(1);
  await primary.configure(settings);
  await primary.query('SELECT pg_reload_conf()');
  const address = cleanup.use(await Switchboard.to(primary.port));
  return { primary, standby, address };
}

async function warmUp(url: string): Promise<void> {
  const store = postgresLease({ connection: url });
  await store.open({ name: 'warm-up' }).read(soon());
  await store.close?.();
}

describe('a standby that is promoted', () => {
  it('with synchronous commit: nothing is lost, the leader leads on, and tokens grow', async () => {
    const { primary, standby, address } = await replicated({ synchronous_standby_names: 'twin' });
    const fleet = cleanup.use(new PostgresFleet(address.url, { DURATION: '6000' }));
    const { leader, token } = await fleet.pair();
    await sleep(1_500);
    await primary.stop('immediate');
    await standby.promote();
    const promoted = monotonic();
    address.turnTo(standby.port);
    await sleep(3_000);
    const leading = leader.of('sample', promoted + 2_500).filter((sample) => sample.leader);
    expect(leading.length).toBeGreaterThan(0);
    leader.terminate();
    await expect.poll(() => fleet.tokens.length).toBe(2);
    expect(fleet.tokens[1]! - token).toBeGreaterThan(2n ** 39n);
    fleet.expectOneBelieverAtATime();
  });

  it('without it: a term that was lost is waited out, though the lease now reads as released, and outdone by greater tokens', async () => {
    const { primary, standby, address } = await replicated();
    const fleet = cleanup.use(new PostgresFleet(address.url, { DURATION: '10000' }));
    const first = await fleet.add();
    await first.until('admitted');
    first.terminate();
    await first.exited;
    const released = await primary.query('SELECT pg_current_wal_lsn()::text AS lsn');
    await expect
      .poll(
        async () => (await standby.query(`SELECT pg_last_wal_replay_lsn() >= '${released[0]!.lsn}' AS yes`))[0]?.yes,
      )
      .toBe(true);
    // From here on the standby receives nothing: the next term, and the lease it holds, will be lost.
    await standby.configure({ primary_conninfo: '' });
    await standby.query('SELECT pg_reload_conf()');
    await expect
      .poll(async () => (await primary.query('SELECT count(*)::int AS n FROM pg_stat_replication'))[0]?.n)
      .toBe(0);
    // Its address leads nowhere after the failover: nothing tells it that its term is lost.
    const cutOff = cleanup.use(await Switchboard.to(primary.port));
    const lost = await fleet.add({ DATABASE_URL: cutOff.url });
    await lost.until('admitted');
    const next = await fleet.add();
    await next.until('holder');
    await primary.stop('immediate');
    await standby.promote();
    const promoted = monotonic();
    address.turnTo(standby.port);
    await next.until('admitted', { since: promoted });
    await sleep(1_000);
    expect(lost.of('sample', promoted + 1_000).filter((sample) => sample.leader)).not.toEqual([]);
    fleet.expectOneBelieverAtATime();
    fleet.expectGrowingTokens();
  });

  it('tells a state that it rolled back to as newer than what it lost, and takes no write on what was seen before', async () => {
    const { primary, standby, address } = await replicated();
    const store = postgresLease({ connection: address.url });
    cleanup.defer(() => store.close?.());
    const lease = store.open({ name: 'rolled-back' });
    const write = async (holder: string) => {
      const outcome = await lease.replace(await lease.read(soon()), record(holder), soon());
      if (outcome.kind !== 'applied') throw new Error(outcome.kind);
      return outcome.snapshot;
    };
    const kept = await write('kept');
    const seen = await primary.query('SELECT pg_current_wal_lsn()::text AS lsn');
    await expect
      .poll(async () => (await standby.query(`SELECT pg_last_wal_replay_lsn() >= '${seen[0]!.lsn}' AS yes`))[0]?.yes)
      .toBe(true);
    await standby.configure({ primary_conninfo: '' });
    await standby.query('SELECT pg_reload_conf()');
    await expect
      .poll(async () => (await primary.query('SELECT count(*)::int AS n FROM pg_stat_replication'))[0]?.n)
      .toBe(0);
    const lost = await write('lost');
    await primary.stop('immediate');
    await standby.promote();
    address.turnTo(standby.port);
    // The pooled connection that was cut: one attempt pays for it.
    const after = await lease.read(soon()).catch(() => lease.read(soon()));
    expect(after.lease?.record).toEqual(kept.lease?.record);
    expect(after.token).toBeGreaterThan(lost.token);
    expect(after.lease?.uid).not.toBe(kept.lease?.uid);
    for (const stale of [kept, lost])
      expect((await lease.replace(stale, record('stale'), soon())).kind).toBe('conflict');

    expect((await write('new')).token).toBeGreaterThan(after.token);
  });

  it('is not read, nor written to, before it is promoted', async () => {
    const { standby } = await replicated();
    const store = postgresLease({ connection: standby.url });
    cleanup.defer(() => store.close?.());
    const lease = store.open({ name: 'any' });
    await expect(lease.read(soon())).rejects.toMatchObject({
      code: 'STORE_FAILED',
      advice: expect.stringMatching(/primary/),
    });
    const outcome = await lease.replace({ lease: null, token: 0n }, record('a'), soon());
    expect(outcome).toMatchObject({ kind: 'rejected', cause: { advice: expect.stringMatching(/primary/) } });
  });
});
