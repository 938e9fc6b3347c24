import { randomUUID } from 'node:crypto';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeaseRecord } from '../../lib/election/lease-record.js';
import { postgresLease, postgresLeaseSql, type PostgresLeaseOptions } from '../../lib/stores/postgres/index.js';
import { TcpProxy } from '../e2e/fleet/tcp-proxy.js';
import { CertificateAuthority } from '../e2e/control-plane/certificates.js';
import { Cleanup } from './cleanup.js';
import { Cluster } from './cluster.js';

const cleanup = new Cleanup();
let cluster: Cluster;
let pool: Pool;

beforeAll(async () => {
  cluster = cleanup.use(await Cluster.create({ synchronous_commit: 'off' }));
  pool = new Pool({ connectionString: cluster.url });
  cleanup.defer(() => pool.end());
});
afterAll(() => cleanup.run());

const record = (holder: string | null): LeaseRecord => ({
  holder,
  duration: 15_000,
  acquiredAt: 1,
  renewedAt: 2,
  transitions: 0,
  term: randomUUID(),
  writeId: randomUUID(),
});
const soon = (milliseconds = 5_000) => AbortSignal.timeout(milliseconds);
const open = (options: PostgresLeaseOptions = { pool }, name: string = randomUUID()) => {
  const store = postgresLease(options);
  cleanup.defer(() => store.close?.());
  return Object.assign(store.open({ name }), { leaseName: name });
};
/** A client in an open transaction that has changed the row of the lease, as somebody does who forgot to commit. */
async function blocker(name: string): Promise<Client> {
  const client = new Client({ connectionString: cluster.url });
  await client.connect();
  await client.query('BEGIN');
  await client.query('UPDATE leader_lease SET name = name WHERE name = $1', [name]);
  return client;
}

describe('one deadline over everything', () => {
  it('a pool that is exhausted: nothing was sent, and it is said so in time', async () => {
    const small = new Pool({ connectionString: cluster.url, max: 1 });
    cleanup.defer(() => small.end());
    const lease = open({ pool: small });
    const absent = await lease.read(soon());
    const hog = await small.connect();
    const outcome = await lease.replace(absent, record('a'), soon(200));
    expect(outcome).toMatchObject({ kind: 'rejected', cause: { code: 'STORE_TIMEOUT' } });
    hog.release();
    expect((await lease.replace(absent, record('a'), soon())).kind).toBe('applied');
  });

  it('a row that is locked: unknown in time, cancelled on the server, and never written late', async () => {
    const lease = open({ connection: { connectionString: cluster.url, application_name: 'locked out' } });
    await lease.replace(await lease.read(soon()), record('a'), soon());
    const seen = await lease.read(soon());
    const holder = await blocker(lease.leaseName);
    const outcome = await lease.replace(seen, record('late'), soon(300));
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { code: 'STORE_TIMEOUT' } });
    const waiting = `SELECT pid FROM pg_stat_activity WHERE application_name = 'locked out' AND wait_event_type = 'Lock'`;
    await expect.poll(() => cluster.query(waiting), { timeout: 5_000 }).toEqual([]);
    await holder.query('ROLLBACK');
    await holder.end();
    expect((await lease.read(soon())).lease?.version).toBe(seen.lease?.version);
  });

  it('a server that accepts and says nothing: nothing was sent', async () => {
    const proxy = await TcpProxy.to(cluster.url);
    cleanup.defer(() => proxy.close());
    proxy.freeze();
    const lease = open({ connection: { host: '127.0.0.1', port: Number(new URL(proxy.url).port), user: 'postgres' } });
    await expect(lease.read(soon(200))).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    proxy.heal();
  });
});

describe('what the server refuses', () => {
  it('a role that may not create is told what to run; after it the role needs no more than that grants', async () => {
    await cluster.query(`CREATE ROLE app LOGIN`);
    const url = cluster.url.replace('postgres@', 'app@');
    const lease = open({ connection: url, schema: 'Application "A"', table: "le'ase" });
    await expect(lease.read(soon())).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      advice: expect.stringContaining('postgresLeaseSql'),
    });
    const sql = postgresLeaseSql({ schema: 'Application "A"', table: "le'ase", grantTo: 'app' });
    await cluster.query(sql);
    await cluster.query(sql);
    expect((await lease.replace(await lease.read(soon()), record('a'), soon())).kind).toBe('applied');
    expect((await lease.replace(await lease.read(soon()), record('b'), soon())).kind).toBe('applied');
    const client = new Client({ connectionString: url });
    await client.connect();
    cleanup.defer(() => client.end());
    for (const forbidden of ['DELETE FROM', 'TRUNCATE', 'DROP TABLE'])
      await expect(client.query(`${forbidden} "Application ""A"""."le'ase"`)).rejects.toMatchObject({ code: '42501' });
  });

  it('without createTable nothing is created', async () => {
    await expect(open({ pool, createTable: false, table: 'nowhere' }).read(soon())).rejects.toMatchObject({
      code: 'STORE_NOT_FOUND',
    });
    expect(await cluster.query(`SELECT to_regclass('nowhere') AS it`)).toEqual([{ it: null }]);
  });

  it('a server that takes no writes certainly wrote nothing', async () => {
    const lease = open({
      connection: { connectionString: cluster.url, options: '-c default_transaction_read_only=on' },
    });
    const outcome = await lease.replace(await open().read(soon()), record('a'), soon());
    expect(outcome).toMatchObject({ kind: 'rejected', cause: { advice: expect.stringContaining('primary') } });
  });

  it('a database, or a user, that is not there', async () => {
    await expect(open({ connection: `${cluster.url}-none` }).read(soon())).rejects.toMatchObject({
      code: 'STORE_NOT_FOUND',
    });
    await expect(open({ connection: cluster.url.replace('postgres@', 'nobody@') }).read(soon())).rejects.toMatchObject({
      code: 'STORE_UNAUTHENTICATED',
    });
  });
});

describe('any number of replicas, at any isolation level', () => {
  it.each(['read committed', 'repeatable read', 'serializable'])('%s: one of many writes', async (level) => {
    const options = `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`;
    const name = randomUUID();
    const leases = Array.from({ length: 6 }, () =>
      open({ connection: { connectionString: cluster.url, options } }, name),
    );
    for (let round = 0; round < 5; round++) {
      const seen = await leases[0]!.read(soon());
      const outcomes = await Promise.all(leases.map((lease, i) => lease.replace(seen, record(`r${i}`), soon())));
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['applied', ...Array(5).fill('conflict')]);
    }
  });

  it('create the table at the same time without getting in each other’s way', async () => {
    const leases = Array.from({ length: 8 }, () => open({ connection: cluster.url, schema: 'fresh' }, 'same'));
    const seen = await Promise.all(leases.map((lease) => lease.read(soon())));
    expect(seen.every(({ lease }) => lease === null)).toBe(true);
  });
});

describe('what outlives mistakes', () => {
  it('tokens grow although table and sequence were dropped', async () => {
    const lease = open({ pool, schema: 'dropped' });
    const first = await lease.replace(await lease.read(soon()), record('a'), soon());
    await cluster.query('DROP SCHEMA dropped CASCADE');
    const second = await lease.replace(await lease.read(soon()), record('a'), soon());
    if (first.kind !== 'applied' || second.kind !== 'applied') throw new Error(`${first.kind}, ${second.kind}`);
    expect(second.snapshot.token).toBeGreaterThan(first.snapshot.token);
  });

  it('tokens grow although the server counts its timelines from one again, as after pg_upgrade', async () => {
    const lease = open();
    const first = await lease.replace(await lease.read(soon()), record('a'), soon());
    // As if written on a later timeline than the present one.
    await cluster.query('ALTER TABLE leader_lease DISABLE TRIGGER stamp');
    await cluster.query('UPDATE leader_lease SET timeline = 7, epoch = 7 WHERE name = $1', [lease.leaseName]);
    await cluster.query('ALTER TABLE leader_lease ENABLE TRIGGER stamp');
    const seen = await lease.read(soon());
    const second = await lease.replace(seen, record('a'), soon());
    if (first.kind !== 'applied' || second.kind !== 'applied') throw new Error(`${first.kind}, ${second.kind}`);
    expect(seen.token >> 40n).toBeGreaterThan(7n);
    expect(second.snapshot.token).toBeGreaterThan(seen.token);
  });

  it('a lease write waits for the disk although the server is told not to', async () => {
    const lease = open();
    await lease.read(soon());
    const client = new Client({ connectionString: cluster.url });
    await client.connect();
    cleanup.defer(() => client.end());
    await client.query('BEGIN');
    await client.query('INSERT INTO leader_lease (namespace, name) VALUES ($1, $2)', ['default', lease.leaseName]);
    expect((await client.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }]);
    await client.query('ROLLBACK');
    expect((await client.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: 'off' }]);
  });
});

describe('a write that waits for a synchronous standby which never answers', () => {
  it('is unknown when somebody cancels the wait, although the server then reports success', async () => {
    const own = cleanup.use(await Cluster.create());
    const lease = open({ connection: { connectionString: own.url, application_name: 'waits' } });
    const absent = await lease.read(soon());
    await own.configure({ synchronous_standby_names: 'nobody' });
    await own.query('SELECT pg_reload_conf()');
    await expect
      .poll(() => own.query('SHOW synchronous_standby_names'))
      .toEqual([{ synchronous_standby_names: 'nobody' }]);
    const outcome = lease.replace(absent, record('a'), soon());
    const cancel = `SELECT pg_cancel_backend(pid) AS done FROM pg_stat_activity WHERE application_name = 'waits' AND wait_event = 'SyncRep'`;
    await expect.poll(() => own.query(cancel)).toEqual([{ done: true }]);
    expect(await outcome).toMatchObject({
      kind: 'unknown',
      cause: { message: expect.stringContaining('synchronous standby') },
    });
  });
});

describe('TLS', () => {
  it('is verified, for statements and for the watch', async () => {
    const authority = new CertificateAuthority('test');
    const { certificate: cert, key } = authority.serving(['127.0.0.1', 'localhost']);
    const own = cleanup.use(await Cluster.create());
    await own.place('server.crt', cert);
    await own.place('server.key', key);
    await own.configure({ ssl: 'on', listen_addresses: 'localhost' });
    await own.place('pg_hba.conf', 'hostssl all all all trust\n');
    await own.restart();
    const connection = { host: 'localhost', port: own.port, user: 'postgres', database: 'postgres' };
    const lease = open({ connection: { ...connection, ssl: { ca: authority.certificate } } });
    const first = await lease.watch!(soon())[Symbol.asyncIterator]().next();
    expect(first.value?.lease).toBeNull();
    await expect(
      open({ connection: { ...connection, ssl: { ca: new CertificateAuthority('other').certificate } } }).read(soon()),
    ).rejects.toThrow(/certificate/i);
    await expect(open({ connection }).read(soon())).rejects.toMatchObject({ code: 'STORE_UNAUTHENTICATED' });
  });
});

describe('a watch whose connection dies without a word', () => {
  it('ends by itself', async () => {
    const proxy = await TcpProxy.to(cluster.url);
    cleanup.defer(() => proxy.close());
    const lease = open({ connection: { host: '127.0.0.1', port: Number(new URL(proxy.url).port), user: 'postgres' } });
    const events = lease.watch!(soon(40_000))[Symbol.asyncIterator]();
    await events.next();
    proxy.freezeEstablished();
    await expect(events.next()).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
  });

  it('shows a record that is too long to be told', async () => {
    const lease = open();
    const events = lease.watch!(soon())[Symbol.asyncIterator]();
    await events.next();
    const holder = 'x'.repeat(9_000);
    await lease.replace(await lease.read(soon()), record(holder), soon());
    expect((await events.next()).value?.lease?.record.holder).toBe(holder);
    await events.return?.();
  });
});
