import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaderElector } from '../../lib/election/index.js';
import type { LeaseRecord } from '../../lib/election/lease-record.js';
import type { LeaseHandle, Snapshot } from '../../lib/election/lease-store.js';
import { postgresLease, postgresLeaseSql, type PostgresLeaseOptions } from '../../lib/stores/postgres/index.js';
import { Cleanup } from './cleanup.js';
import { Cluster } from './cluster.js';

const cleanup = new Cleanup();
let cluster: Cluster;
let schemas = 0;

beforeAll(async () => {
  cluster = cleanup.use(await Cluster.create({ max_notify_queue_pages: '64' }));
  for (const role of ['app', 'mallory', 'migrator']) await cluster.query(`CREATE ROLE ${role} LOGIN`);
});
afterAll(() => cleanup.run());

const record = (holder: string | null): LeaseRecord => ({
  holder,
  duration: 15_000,
  acquiredAt: 1,
  renewedAt: 2.5,
  transitions: 0,
  term: randomUUID(),
  writeId: randomUUID(),
});
const soon = (milliseconds = 5_000) => AbortSignal.timeout(milliseconds);
const as = (role: string) => cluster.url.replace('postgres@', `${role}@`);
const query = async (role: string, sql: string) => {
  const client = new Client({ connectionString: as(role) });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
};
/** A schema in which `owner` may create. */
async function schemaOf(owner: string): Promise<string> {
  const schema = `hostile_${schemas++}`;
  await cluster.query(
    `CREATE SCHEMA ${schema}; GRANT USAGE ON SCHEMA ${schema} TO PUBLIC; GRANT CREATE ON SCHEMA ${schema} TO ${owner}`,
  );
  return schema;
}
/** A lease, and the warnings of its store. */
function open(options: PostgresLeaseOptions, name: string = randomUUID()) {
  const store = postgresLease(options);
  cleanup.defer(() => store.close?.());
  const warnings: string[] = [];
  const lease = store.open({ name }, { log() {}, warn: (text) => void warnings.push(text), error() {} });
  return { lease, warnings, name };
}
async function write(lease: LeaseHandle, holder: string | null = 'a', seen?: Snapshot): Promise<Snapshot> {
  const outcome = await lease.replace(seen ?? (await lease.read(soon())), record(holder), soon());
  if (outcome.kind !== 'applied') throw outcome.kind === 'conflict' ? new Error('conflict') : outcome.cause;
  return outcome.snapshot;
}

describe('a pool to which the application returns connections as it should not', () => {
  const left = {
    transaction: [
      'BEGIN',
      'BEGIN; SELECT 1',
      'BEGIN; SAVEPOINT s',
      'BEGIN; SELECT 1/0',
      'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1',
    ],
    role: [
      'SET ROLE mallory',
      'SET SESSION AUTHORIZATION mallory',
      'SET default_transaction_read_only = on',
      'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
      'SET session_replication_role = replica',
      'SET statement_timeout = 1',
    ],
  };
  const spoil = async (pool: Pool, sql: string) => {
    const client = await pool.connect();
    await client.query(sql).catch(() => {});
    client.release();
  };

  it.each(Object.entries(left).flatMap(([word, all]) => all.map((sql) => [sql, word] as const)))(
    '(%s) writes on another connection, and tells it once',
    async (sql, word) => {
      const pool = new Pool({ connectionString: cluster.url, max: 2 });
      cleanup.defer(() => pool.end());
      const { lease, warnings, name } = open({ pool, listen: false });
      let seen = await lease.read(soon());
      for (const holder of ['a', 'b']) {
        await spoil(pool, sql);
        seen = await write(lease, holder, seen);
        expect(await cluster.query('SELECT holder FROM leader_lease WHERE name = $1', [name])).toEqual([{ holder }]);
      }
      expect(warnings).toEqual([expect.stringContaining(word)]);
      expect((await lease.read(soon())).lease?.record.holder).toBe('b');
    },
  );

  it('with a BEGIN still on its way writes nothing that a ROLLBACK takes back', async () => {
    const pool = new Pool({ connectionString: cluster.url, max: 1 });
    cleanup.defer(() => pool.end());
    const { lease } = open({ pool, listen: false });
    const seen = await lease.read(soon());
    const client = await pool.connect();
    void client.query('BEGIN');
    client.release();
    const written = await write(lease, 'a', seen);
    await pool.query('ROLLBACK');
    expect((await lease.read(soon())).lease?.version).toBe(written.lease?.version);
  });

  it.each([
    'SET search_path = nowhere',
    'SET extra_float_digits = -15',
    "SET DateStyle = 'German'; SET TimeZone = 'Asia/Kolkata'",
  ])('(%s) keeps and tells what was written to the last digit', async (sql) => {
    const pool = new Pool({ connectionString: cluster.url, max: 1 });
    cleanup.defer(() => pool.end());
    const { lease } = open({ pool, listen: false });
    const seen = await lease.read(soon());
    await spoil(pool, sql);
    const exact = { ...record('a'), duration: 12_345.678, renewedAt: 1_732_000_000_123.456 };
    expect(await lease.replace(seen, exact, soon())).toMatchObject({
      kind: 'applied',
      snapshot: { lease: { record: exact } },
    });
    expect((await lease.read(soon())).lease?.record).toEqual(exact);
  });

  it('does not create the table inside a transaction that is rolled back', async () => {
    const client = new Client({ connectionString: cluster.url });
    await client.connect();
    cleanup.defer(() => client.end());
    const { lease } = open({ client, schema: await schemaOf('app') });
    await client.query('BEGIN');
    await expect(lease.read(soon())).rejects.toThrow('transaction of the application');
    await client.query('ROLLBACK');
    await write(lease);
  });
});

describe('a table that somebody else has made', () => {
  const trap = `CREATE FUNCTION SCHEMA.steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran'; END $$;
    CREATE TRIGGER steal BEFORE INSERT ON SCHEMA.leader_lease FOR EACH ROW EXECUTE FUNCTION SCHEMA.steal()`;

  it.each(['app', 'postgres'])('is not used by %s: its code would run with that role’s rights', async (role) => {
    const schema = await schemaOf('mallory');
    await query('mallory', `${postgresLeaseSql({ schema, grantTo: 'app' })}; ${trap.replaceAll('SCHEMA', schema)}`);
    const { lease } = open({ connection: as(role), schema });
    await expect(lease.read(soon())).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      message: expect.stringContaining('mallory'),
      advice: expect.stringContaining("owner: 'mallory'"),
    });
    const outcome = await lease.replace({ lease: null, token: 0n }, record('a'), soon());
    expect(outcome).toMatchObject({ kind: 'rejected', cause: { code: 'STORE_FORBIDDEN' } });
  });

  it('is used once the owner is named, or is somebody whom the application trusts anyway', async () => {
    const schema = await schemaOf('migrator');
    await query('migrator', postgresLeaseSql({ schema, grantTo: 'app' }));
    const connection = as('app');
    await expect(open({ connection, schema }).lease.read(soon())).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
    await write(open({ connection, schema, owner: 'migrator' }).lease);
    await cluster.query('GRANT migrator TO app');
    await write(open({ connection, schema }).lease);
    await cluster.query('REVOKE migrator FROM app');
    await cluster.query(`ALTER SCHEMA ${schema} OWNER TO migrator`);
    await write(open({ connection, schema }).lease);
  });

  it('or only a sequence, or a trigger on ours, is no better', async () => {
    const squatted = await schemaOf('mallory');
    await query('mallory', `CREATE SEQUENCE ${squatted}.leader_lease_revision`);
    await cluster
      .query(
        `GRANT CREATE ON SCHEMA ${squatted} TO app; GRANT ALL ON SEQUENCE ${squatted}.leader_lease_revision TO app`,
      )
      .catch(() => {});
    await query('mallory', `GRANT ALL ON SEQUENCE ${squatted}.leader_lease_revision TO PUBLIC`);
    await expect(open({ connection: as('app'), schema: squatted }).lease.read(soon())).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
    });

    const schema = await schemaOf('mallory');
    await cluster.query(postgresLeaseSql({ schema, grantTo: 'app' }));
    await cluster.query(`GRANT TRIGGER ON ${schema}.leader_lease TO mallory`);
    await query('mallory', trap.replaceAll('SCHEMA', schema));
    await expect(open({ connection: as('app'), schema }).lease.read(soon())).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      message: expect.stringContaining('trigger steal'),
    });
  });

  it('functions of like names beside ours are not called', async () => {
    const schema = await schemaOf('mallory');
    await cluster.query(postgresLeaseSql({ schema, grantTo: 'app' }));
    await query(
      'mallory',
      `CREATE FUNCTION ${schema}.leader_lease_state(anyelement) RETURNS text LANGUAGE sql AS 'SELECT (1/0)::text';
       CREATE FUNCTION ${schema}.nextval(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1/0';
       CREATE PROCEDURE ${schema}.leader_lease_read(varchar, varchar, INOUT a varchar, INOUT b varchar, INOUT c varchar)
         LANGUAGE sql AS 'SELECT NULL, NULL, NULL'`,
    );
    await cluster.query(`ALTER ROLE app SET search_path = ${schema}, pg_catalog`);
    try {
      await write(open({ connection: as('app'), schema }).lease);
    } finally {
      await cluster.query('ALTER ROLE app RESET search_path');
    }
  });

  it.each([
    ['row level security', 'ALTER TABLE T ENABLE ROW LEVEL SECURITY'],
    ['unlogged', 'ALTER TABLE T SET UNLOGGED'],
    ['rule', 'CREATE RULE r AS ON UPDATE TO T DO INSTEAD NOTHING'],
    ['switched off', 'ALTER TABLE T DISABLE TRIGGER bury'],
  ])('of ours that no longer keeps what it is told (%s) is refused by name', async (what, sql) => {
    const schema = await schemaOf('app');
    await cluster.query(postgresLeaseSql({ schema, grantTo: 'app' }));
    await cluster.query(sql.replace('T ', `${schema}.leader_lease `));
    await expect(open({ connection: as('app'), schema }).lease.read(soon())).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      message: expect.stringContaining(what),
    });
  });
});

describe('a table that an earlier version has set up', () => {
  const earlier = async (schema: string) =>
    (await readFile(new URL('fixtures/setup-format-1.sql', import.meta.url), 'utf8')).replaceAll(
      '"public"',
      `"${schema}"`,
    );
  const grants = (schema: string) =>
    `GRANT SELECT, INSERT, UPDATE ON ${schema}.leader_lease TO app; GRANT USAGE ON SEQUENCE ${schema}.leader_lease_revision TO app`;

  it('gets the functions of this one by whoever may replace them', async () => {
    const schema = await schemaOf('app');
    await cluster.query(await earlier(schema));
    const { lease, warnings } = open({ connection: cluster.url, schema });
    await write(lease);
    expect(warnings).toEqual([]);
    expect(await cluster.query(`SELECT to_regproc('${schema}.leader_lease_write') IS NOT NULL AS it`)).toEqual([
      { it: true },
    ]);
  });

  it.each([
    [1, 'replaced'],
    [99, 'kept'],
  ])('its functions of format %i are %s, though all of them are there', async (format, fate) => {
    const schema = await schemaOf('app');
    await cluster.query(postgresLeaseSql({ schema }));
    await cluster.query(
      `CREATE OR REPLACE FUNCTION ${schema}.leader_lease_timeline() RETURNS integer LANGUAGE sql AS 'SELECT 77';
       COMMENT ON FUNCTION ${schema}.leader_lease_state(${schema}.leader_lease) IS 'nestjs-leader ${format}'`,
    );
    await write(open({ connection: cluster.url, schema }).lease);
    // Nor by a migration of this version, run late.
    await cluster.query(postgresLeaseSql({ schema }));
    await write(open({ connection: cluster.url, schema }).lease);
    const rows = await cluster.query(`SELECT timeline FROM ${schema}.leader_lease`);
    const timeline = fate === 'kept' ? 77 : 1;
    expect(rows).toEqual([{ timeline }, { timeline }]);
  });

  it('works for a role that may not, which is told; and its owner may replace them meanwhile', async () => {
    const schema = await schemaOf('migrator');
    await cluster.query(`${await earlier(schema)}; ${grants(schema)}`);
    const { lease, warnings } = open({ connection: as('app'), schema }, 'a/b');
    const events = lease.watch!(soon(10_000))[Symbol.asyncIterator]();
    expect((await events.next()).value?.lease).toBeNull();
    let seen = await write(lease);
    expect(warnings).toEqual([expect.stringContaining('earlier version')]);
    await cluster.query(postgresLeaseSql({ schema, grantTo: 'app' }));
    seen = await write(lease, 'b', seen);
    // With the new trigger it is told on the channel of its own.
    expect((await events.next()).value?.token).toBe(seen.token);
    await events.return?.();
    await write(open({ connection: as('app'), schema, createTable: false }, 'a/b').lease, 'c');
  });
});

it('columns of the user’s own may have any name', async () => {
  const schema = await schemaOf('app');
  await cluster.query(postgresLeaseSql({ schema }));
  const own = [
    'lease_namespace',
    'lease_name',
    'seen_version',
    'seen_token',
    'new_holder',
    'state',
    'note',
    'standby',
    'age',
    'next',
    'told',
  ];
  await cluster.query(
    `ALTER TABLE ${schema}.leader_lease ${own.map((name) => `ADD COLUMN ${name} text DEFAULT 'theirs'`).join(', ')}`,
  );
  const { lease } = open({ connection: cluster.url, schema });
  await write(lease, 'b', await write(lease));
  expect((await lease.read(soon())).lease?.record.holder).toBe('b');
  await cluster.query(`DELETE FROM ${schema}.leader_lease`);
  await write(lease, 'c');
  expect(await cluster.query(`SELECT holder, note FROM ${schema}.leader_lease`)).toEqual([
    { holder: 'c', note: 'theirs' },
  ]);
});

describe('a row that was carried over without its sequence', () => {
  const behind = async (schema: string) =>
    cluster.query(`ALTER SEQUENCE ${schema}.leader_lease_revision RESTART WITH 5`);

  it.each(['postgres', 'app'])('keeps tokens and versions growing, told once (%s)', async (role) => {
    const schema = await schemaOf('migrator');
    await cluster.query(postgresLeaseSql({ schema, grantTo: 'app' }));
    if (role === 'app') await cluster.query(`REVOKE UPDATE ON SEQUENCE ${schema}.leader_lease_revision FROM app`);
    const { lease, warnings } = open({ connection: as(role), schema });
    const before = await write(lease);
    await behind(schema);
    const after = await write(lease, 'b', before);
    const next = await write(lease, 'c', after);
    expect(after.token).toBeGreaterThan(before.token);
    expect(next.token).toBeGreaterThan(after.token);
    expect(warnings).toEqual([expect.stringMatching(/stood below a row/)]);
    expect(warnings[0]).toContain(role === 'app' ? 'SELECT setval' : 'has been moved on');
    const [{ value }] = (await cluster.query(
      `SELECT last_value::text AS value FROM ${schema}.leader_lease_revision`,
    )) as [{ value: string }];
    expect(BigInt(value) > 1_000n).toBe(role === 'postgres');
  });

  it('keeps them growing over a deletion', async () => {
    const schema = await schemaOf('migrator');
    await cluster.query(postgresLeaseSql({ schema }));
    const { lease } = open({ connection: cluster.url, schema });
    const before = await write(lease);
    await behind(schema);
    await cluster.query(`DELETE FROM ${schema}.leader_lease`);
    const absent = await lease.read(soon());
    expect(absent.lease).toBeNull();
    expect(absent.token).toBeGreaterThan(before.token);
    await behind(schema);
    expect((await write(lease)).token).toBeGreaterThan(absent.token);
  });
});

describe('a row that somebody has written nonsense into', () => {
  it.each([
    `renewed_at = 'infinity'`,
    `acquired_at = '-infinity'`,
    `renewed_at = '4000-01-01 BC'`,
    `renewed_at = '200000-01-01'`,
    `duration_ms = 'NaN'`,
    `duration_ms = 'Infinity'`,
    'duration_ms = -5',
    'duration_ms = 1e300',
    'transitions = 9223372036854775807',
    `holder = ''`,
    `revision = 9223372036854775807, epoch = 9223372036854775807, timeline = -1, uid = gen_random_uuid(), written_at = 'infinity'`,
  ])('(%s) is waited out, told once with its repair, and written over', async (set) => {
    const options = {
      leaseName: randomUUID(),
      leaseDuration: 1_000,
      identity: 'next',
      store: postgresLease({ connection: cluster.url }),
    };
    cleanup.defer(() => options.store.close?.());
    const { lease } = open({ connection: cluster.url }, options.leaseName);
    await write(lease, 'long dead');
    await cluster.query(`UPDATE leader_lease SET duration_ms = 1000 WHERE name = $1`, [options.leaseName]);
    await cluster.query(`UPDATE leader_lease SET ${set} WHERE name = $1`, [options.leaseName]);
    const warnings: string[] = [];
    const log = {
      log() {},
      warn: (text: string) => void warnings.push(text),
      error: (text: string) => void warnings.push(text),
    };
    const elector = new LeaderElector({ options, log });
    cleanup.defer(() => elector.stop());
    const began = performance.now();
    await elector.start();
    await elector.whenLeader(soon(10_000));
    expect(performance.now() - began).toBeGreaterThan(900);
    if (set.startsWith('revision')) return;
    expect(warnings).toEqual([expect.stringContaining('cannot be read')]);
    const repair = /UPDATE .*;$/.exec(warnings[0]!)![0];
    await cluster.query(repair);
    await elector.stop();
  });
});

describe('a row that was changed behind the back of its triggers', () => {
  it.each([
    'revision = 9223372036854775807',
    'epoch = 9223372036854775807',
    'epoch = -5, revision = -5',
    "timeline = -1, written_at = 'infinity'",
  ])('(%s) is read, and written over', async (set) => {
    const { lease, name } = open({ connection: cluster.url, trustServerClock: true });
    await write(lease);
    await query(
      'postgres',
      `SET session_replication_role = replica; UPDATE leader_lease SET ${set} WHERE name = '${name}'`,
    );
    const seen = await lease.read(soon());
    const next = await write(lease, 'b', seen);
    expect(next.lease?.version).not.toBe(seen.lease?.version);
    expect(next.token).toBeGreaterThan(seen.token);
    expect(next.token).toBeLessThan(2n ** 56n);
  });
});

describe('whoever may connect to the database', () => {
  it('can forge notifications, which neither end the watch nor hide genuine ones', async () => {
    const { lease, name } = open({ connection: cluster.url });
    const first = await write(lease);
    const events = lease.watch!(soon(10_000))[Symbol.asyncIterator]();
    await events.next();
    const { channelOf } = await import('../../lib/stores/postgres/schema/channel.js');
    const { postgresNames } = await import('../../lib/stores/postgres/schema/names.js');
    const channel = channelOf(postgresNames(), { namespace: 'default', name });
    const forged = JSON.stringify({
      deleted: false,
      token: String(2n ** 62n),
      version: 'x',
      uid: 'y',
      holder: null,
      duration: 1,
      acquiredAt: 0,
      renewedAt: 0,
      transitions: 0,
      term: 't',
      writeId: 'w',
    });
    for (const text of ['garbage', '{}', forged]) await query('mallory', `SELECT pg_notify('${channel}', '${text}')`);
    const second = await write(lease, 'b', first);
    const seen: Snapshot[] = [];
    while (!seen.some(({ token }) => token === second.token)) seen.push((await events.next()).value!);
    expect(seen.map(({ token }) => token)).toEqual([2n ** 62n, second.token]);
    await events.return?.();
  });

  it('can fill the queue of notifications: the lease is written without one', async () => {
    const { lease } = open({ connection: cluster.url, listen: false });
    const first = await write(lease);
    const hog = new Client({ connectionString: as('mallory') });
    await hog.connect();
    cleanup.defer(() => hog.end());
    await hog.query('LISTEN hog');
    await hog.query('BEGIN');
    await hog.query('SELECT 1');
    await expect(
      (async () => {
        for (let round = 0; round < 1_000; round++)
          await query('mallory', `SELECT pg_notify('hog', repeat('x', 7000) || n) FROM generate_series(1, 20) AS n`);
      })(),
    ).rejects.toMatchObject({ code: '54000' });
    await write(lease, 'b', first);
  });
});
