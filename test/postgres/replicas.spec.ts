import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, describe } from 'vitest';
import { monotonic } from '../e2e/fleet/replica-lines.js';
import { TcpProxy } from '../e2e/fleet/tcp-proxy.js';
import { Cleanup } from './cleanup.js';
import { testDatabase } from './cluster.js';
import { PostgresFleet } from './postgres-fleet.js';

const DURATION = 3_000;
const cleanup = new Cleanup();
let database: Awaited<ReturnType<typeof testDatabase>>;

beforeAll(async () => {
  database = cleanup.use(await testDatabase());
});
afterAll(() => cleanup.run());

const fleet = (env: Record<string, string> = {}) => cleanup.use(new PostgresFleet(database.url, env));

describe('two replicas on one Postgres', () => {
  it('hand over at SIGTERM, and the one that leaves exits by itself', async () => {
    const pair = fleet();
    const { leader, standby } = await pair.pair();
    const at = monotonic();
    leader.terminate();
    const { t } = await standby.until('admitted');
    expect(t - at).toBeLessThan(1_000);
    await leader.exited;
    pair.expectOneBelieverAtATime();
    pair.expectGrowingTokens();
  });

  it('a crashed leader is succeeded when its lease has expired', async () => {
    const pair = fleet();
    const { leader, standby } = await pair.pair();
    await sleep(1_500);
    const at = monotonic();
    await leader.kill();
    const { t } = await standby.until('admitted');
    expect(t - at).toBeGreaterThan(DURATION * 0.75);
    expect(t - at).toBeLessThan(DURATION + 1_000);
    pair.expectGrowingTokens();
  });

  it('a paused leader answers "not leader" the first time it is asked', async () => {
    const pair = fleet();
    const { leader, standby } = await pair.pair();
    await sleep(1_000);
    leader.pause();
    await standby.until('admitted');
    const woken = monotonic();
    leader.resume();
    await leader.until('lost', { since: woken });
    await sleep(200);
    expect(leader.of('sample', woken).filter((sample) => sample.leader)).toEqual([]);
    pair.expectOneBelieverAtATime();
    pair.expectGrowingTokens();
  });

  it('a leader cut off from the database ceases to believe before its successor begins, and both find back', async () => {
    const proxy = await TcpProxy.to(database.url);
    cleanup.defer(() => proxy.close());
    const pair = fleet();
    const wire = { DATABASE_URL: `${database.url.replace(/:\d+\//, `:${new URL(proxy.url).port}/`)}` };
    const { leader, standby } = await pair.pair({ leader: wire });
    await sleep(1_000);
    proxy.freeze();
    await standby.until('admitted');
    await sleep(500);
    proxy.heal();
    const healed = monotonic();
    standby.terminate();
    await leader.until('admitted', { since: healed });
    pair.expectOneBelieverAtATime();
    pair.expectGrowingTokens();
  });

  it('connections that an administrator ends cost no term', async () => {
    const pair = fleet();
    const { leader, standby } = await pair.pair();
    for (let round = 0; round < 8; round++) {
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'replica %'`,
      );
      await sleep(400);
    }
    expect(leader.of('lost')).toEqual([]);
    expect(pair.tokens).toHaveLength(1);
    const at = monotonic();
    leader.terminate();
    const { t } = await standby.until('admitted');
    // The standby's watch has found back: it need not wait for a poll.
    expect(t - at).toBeLessThan(2_000);
  });
});

describe('a leader that stood still in the middle of its work', () => {
  it('is refused by the database itself once its successor has written', async () => {
    await database.query(
      'CREATE TABLE IF NOT EXISTS written (id bigserial PRIMARY KEY, resource text NOT NULL, token bigint NOT NULL)',
    );
    const pair = fleet();
    const resource = pair.lease;
    const writes = async () =>
      (await database.query('SELECT token::text FROM written WHERE resource = $1 ORDER BY id', [resource])).map((row) =>
        BigInt(row.token as string),
      );
    const { leader, standby, token } = await pair.pair({
      leader: { WRITE_TO: resource },
      standby: { WRITE_TO: resource },
    });
    await expect.poll(async () => (await writes()).length, { timeout: 10_000 }).toBeGreaterThan(5);
    leader.pause();
    await standby.until('admitted');
    await expect.poll(async () => (await writes()).at(-1)! > token, { timeout: 10_000 }).toBe(true);
    const woken = monotonic();
    leader.resume();
    const refusal = await leader.until('error', { since: woken, where: ({ message }) => message.includes('refused') });
    expect(refusal.message).toMatch(/A later term|terminat|timeout/i);
    await sleep(200);
    const all = await writes();
    expect(all.slice(all.findIndex((written) => written > token)).filter((written) => written <= token)).toEqual([]);
  });
});
