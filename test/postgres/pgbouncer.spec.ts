import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaderElector } from '../../lib/election/index.js';
import { postgresLease } from '../../lib/stores/postgres/index.js';
import { describeStoreContract } from '../../lib/testing/store-contract/index.js';
import { Cleanup } from './cleanup.js';
import { testDatabase } from './cluster.js';
import { pgbouncer, pgbouncerIsInstalled } from './pgbouncer.js';

describe.runIf(pgbouncerIsInstalled)('through PgBouncer in transaction mode', () => {
  const cleanup = new Cleanup();
  let url: string;
  let pool: Pool;

  beforeAll(async () => {
    const database = cleanup.use(await testDatabase());
    ({ url } = cleanup.use(await pgbouncer(database.url)));
    pool = new Pool({ connectionString: url });
    cleanup.defer(() => pool.end());
  });
  afterAll(() => cleanup.run());

  describeStoreContract('Postgres', { connect: () => postgresLease({ pool, listen: false }) }, { describe, it });

  it('a watch notices that nothing would reach it, says so once, and ends', async () => {
    const warnings: string[] = [];
    const log = { log() {}, warn: (text: string) => void warnings.push(text), error() {} };
    const store = postgresLease({ pool });
    const lease = store.open({ name: 'watched' }, log);
    for (const _ of [1, 2]) {
      const first = await lease.watch!(AbortSignal.timeout(5_000))[Symbol.asyncIterator]().next();
      expect(first).toEqual({ done: true, value: undefined });
    }
    expect(warnings).toEqual([expect.stringMatching(/pooler.*Standbys poll.*listen: false/)]);
    await store.close?.();
  });

  it('a standby takes over by polling', async () => {
    const options = { leaseName: 'polled', leaseDuration: 3_000 };
    const [a, b] = ['a', 'b'].map(
      (identity) => new LeaderElector({ options: { ...options, identity, store: postgresLease({ pool }) } }),
    ) as [LeaderElector, LeaderElector];
    await a.start();
    const first = await a.whenLeader();
    await b.start();
    await expect.poll(() => b.status().leader, { timeout: 5_000 }).toBe(a.identity);
    await a.stop();
    const second = await b.whenLeader(AbortSignal.timeout(5_000));
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    await b.stop();
  });
});
