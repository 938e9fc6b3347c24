import { sql, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Client, Pool } from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeaseRecord } from '../../lib/election/lease-record.js';
import { fence, postgresLease, type PostgresClient } from '../../lib/stores/postgres/index.js';
import { describeStoreContract } from '../../lib/testing/store-contract/index.js';
import { Cleanup } from './cleanup.js';
import { testDatabase } from './cluster.js';
import { prismaClient } from './prisma-client.js';

interface Adapter {
  client: PostgresClient;
  /** Runs `work` in a transaction of the library's own. */
  transaction(work: (client: PostgresClient) => Promise<void>): Promise<void>;
}

const RECORD: LeaseRecord = {
  holder: 'a',
  duration: 15_000,
  acquiredAt: 1,
  renewedAt: 2,
  transitions: 0,
  term: 'term',
  writeId: 'write',
};
const cleanup = new Cleanup();
let database: Awaited<ReturnType<typeof testDatabase>>;
const adapters: Record<string, Adapter> = {};

beforeAll(async () => {
  database = cleanup.use(await testDatabase());
  const typeorm = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  cleanup.defer(() => typeorm.destroy());
  adapters.TypeORM = {
    client: { query: (text, params) => typeorm.query(text, params) },
    transaction: (work) => typeorm.transaction((tx) => work({ query: (text, params) => tx.query(text, params) })),
  };

  const { prisma } = cleanup.use(await prismaClient(database.url));
  adapters.Prisma = {
    client: { query: (text, params) => prisma.$queryRawUnsafe(text, ...params) },
    transaction: (work) =>
      prisma.$transaction((tx) => work({ query: (text, params) => tx.$queryRawUnsafe(text, ...params) })),
  };

  const pool = new Pool({ connectionString: database.url });
  cleanup.defer(() => pool.end());
  const db = drizzle(pool);
  /** Drizzle numbers placeholders itself: the text is cut at ours, and the values go in between. */
  const withValues = (text: string, params: (string | null)[]): SQL =>
    sql.join(text.split(/\$(\d+)/).map((part, i) => (i % 2 ? sql`${params[Number(part) - 1]}` : sql.raw(part))));
  adapters.Drizzle = {
    client: { query: (text, params) => db.execute(withValues(text, params)) },
    transaction: (work) =>
      db.transaction((tx) => work({ query: (text, params) => tx.execute(withValues(text, params)) })),
  };

  const plain = new Client({ connectionString: database.url });
  await plain.connect();
  cleanup.defer(() => plain.end());
  adapters.pg = {
    client: plain,
    async transaction(work) {
      await plain.query('BEGIN');
      await work(plain).then(
        () => plain.query('COMMIT'),
        async (cause: unknown) => {
          await plain.query('ROLLBACK');
          throw cause;
        },
      );
    },
  };
  await postgresLease({ pool }).open({ name: 'any' }).read(AbortSignal.timeout(5_000));
  await database.query('CREATE TABLE IF NOT EXISTS account (id text PRIMARY KEY, balance bigint NOT NULL)');
});

afterAll(() => cleanup.run());

for (const library of ['TypeORM', 'Prisma', 'Drizzle', 'pg']) {
  describeStoreContract(
    `${library} as the client`,
    {
      connect: () => postgresLease({ client: adapters[library]!.client }),
      deleteLease: async ({ namespace, name }) => {
        await database.query('DELETE FROM leader_lease WHERE namespace = $1 AND name = $2', [namespace, name]);
      },
    },
    { describe, it },
  );

  it(`${library} in a transaction neither reads nor writes the lease, and says why`, async () => {
    const name = `inside ${library}`;
    const inside = adapters[library]!.transaction(async (client) => {
      const lease = postgresLease({ client }).open({ name });
      const outcome = await lease.replace({ lease: null, token: 0n }, RECORD, AbortSignal.timeout(5_000));
      expect(outcome).toMatchObject({
        kind: 'rejected',
        cause: { message: expect.stringContaining('transaction of the application') },
      });
      await expect(lease.read(AbortSignal.timeout(5_000))).rejects.toThrow('transaction of the application');
    });
    // The refusal has ended the transaction: some libraries say so when it is committed.
    await inside.catch((cause: unknown) => expect(String(cause)).toMatch(/transaction/i));
    expect(await database.query('SELECT holder FROM leader_lease WHERE name = $1', [name])).toEqual([]);
  });

  describe(`a write in a transaction of ${library}`, () => {
    const pay = (token: bigint, balance: number) =>
      adapters[library]!.transaction(async (client) => {
        await fence(client, { fencingToken: token }, `account of ${library}`);
        await client.query(
          'INSERT INTO account VALUES ($1, $2::bigint) ON CONFLICT (id) DO UPDATE SET balance = EXCLUDED.balance',
          [library, String(balance)],
        );
      });
    const balance = async () =>
      (await database.query('SELECT balance::text FROM account WHERE id = $1', [library]))[0]?.balance;

    it('goes through as long as no later term has written, and is undone when one has', async () => {
      const beyondNumbers = 2n ** 60n;
      await pay(beyondNumbers, 10);
      await pay(beyondNumbers, 20);
      await pay(beyondNumbers + 1n, 30);
      await expect(pay(beyondNumbers, 40)).rejects.toMatchObject({ code: 'FENCED' });
      expect(await balance()).toBe('30');
    });
  });
}
