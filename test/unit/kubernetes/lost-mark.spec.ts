import { describe, expect, it } from 'vitest';
import { answering, type SeenRequest } from '../../kubernetes/fake-api-server.js';
import { appliedBy, LEASE, leaseScene, patient, recordBy } from '../../kubernetes/lease-scene.js';

const MARK = 'nestjs-leader/write';

/** A handle with a log, on a Lease on which others have put things. */
async function sceneWith({ events = false, annotations = { note: 'do not delete' } as Record<string, string> } = {}) {
  const { server, store } = await leaseScene({ events });
  server.leases.create(LEASE.namespace, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...LEASE, labels: { team: 'orders' }, annotations },
    spec: {},
  });
  const said: string[] = [];
  const log = { log() {}, error() {}, warn: (message: string) => void said.push(message) };
  const handle = store.open(LEASE, log);
  const seen = await handle.read(patient());
  const updates = () => server.requests.filter(({ method }) => method === 'PUT').length;
  const stored = () => server.leases.get(LEASE.namespace, LEASE.name);
  return { server, store, handle, seen, said, updates, stored };
}

/** Changes what an update brings before it is stored, as a mutating admission webhook does. */
const mutating = (change: (lease: NonNullable<SeenRequest['body']>) => void) => (request: SeenRequest) => {
  if (request.method === 'PUT') change(request.body!);
  return false;
};

const strip = mutating(({ metadata }) => void delete metadata.annotations);

describe('where an admission policy strips annotations', () => {
  it('a write is recognised by holder and times, and what goes without the annotation is told once', async () => {
    const { server, handle, seen, said } = await sceneWith();
    server.fault = strip;
    const record = recordBy('a');
    const first = appliedBy(await handle.replace(seen, record, patient()));
    expect(first.lease?.record).toEqual({ ...record, term: null, writeId: null });
    const second = appliedBy(await handle.replace(first, recordBy('a'), patient()));
    expect(appliedBy(await handle.replace(second, recordBy(null), patient())).lease?.record.holder).toBeNull();
    const about = said.filter((line) => line.includes(MARK));
    expect(about).toHaveLength(1);
    expect(about[0]).toMatch(/^Lease "orders": the annotation .* admission policy or webhook .* after a release\.$/);
  });

  it('terms are told apart, so that events tell of each', async () => {
    const { server, store, handle, seen } = await sceneWith({ events: true });
    server.fault = strip;
    const first = appliedBy(await handle.replace(seen, recordBy('a', { term: '1' }), patient()));
    const renewed = appliedBy(await handle.replace(first, recordBy('a', { term: '1' }), patient()));
    appliedBy(await handle.replace(renewed, recordBy('a', { term: '2' }), patient()));
    await store.close();
    expect(server.events.map(({ message }) => message)).toEqual([
      'a became leader',
      'a stopped leading',
      'a became leader',
      'a stopped leading',
    ]);
  });

  it.each<[string, (spec: Record<string, unknown>) => void]>([
    ['another holder', (spec) => (spec.holderIdentity = 'b')],
    ['another renew time', (spec) => (spec.renewTime = '2026-01-01T09:00:00.000000Z')],
    ['another acquire time', (spec) => (spec.acquireTime = '2026-01-01T09:00:00.000000Z')],
    ['a shorter duration', (spec) => (spec.leaseDurationSeconds = 14)],
  ])('a write that comes back with %s is none of ours', async (_what, change) => {
    const { server, handle, seen } = await sceneWith();
    server.fault = mutating(({ metadata, spec }) => {
      delete metadata.annotations;
      change(spec);
    });
    expect((await handle.replace(seen, recordBy('a'), patient())).kind).toBe('unknown');
  });

  it('a write that comes back with the mark of another is none of ours', async () => {
    const { server, handle, seen } = await sceneWith();
    server.fault = mutating(({ metadata }) => {
      const mark = JSON.parse(metadata.annotations[MARK]) as object;
      metadata.annotations[MARK] = JSON.stringify({ ...mark, writeId: 'another' });
    });
    expect((await handle.replace(seen, recordBy('a'), patient())).kind).toBe('unknown');
  });
});

describe('where a policy shortens the duration', () => {
  it('other replicas wait for as long as the holder meant', async () => {
    const { server, handle, seen } = await sceneWith();
    server.fault = mutating(({ spec }) => void (spec.leaseDurationSeconds = 3));
    const { lease } = appliedBy(await handle.replace(seen, recordBy('a'), patient()));
    expect(lease?.record.duration).toBe(15_000);
    expect((await handle.read(patient())).lease?.record.duration).toBe(15_000);
  });
});

describe('where other annotations leave no room', () => {
  const full = { note: 'x'.repeat(256 * 1024 - 4 - 20) };

  it('a write goes without the mark, nothing of others is lost, and it is told once', async () => {
    const { handle, seen, said, updates, stored } = await sceneWith({ annotations: full });
    const first = appliedBy(await handle.replace(seen, recordBy('a'), patient()));
    appliedBy(await handle.replace(first, recordBy('a'), patient()));
    expect(stored().metadata).toMatchObject({ annotations: full, labels: { team: 'orders' } });
    expect(updates()).toBe(2);
    const about = said.filter((line) => line.includes(MARK));
    expect(about).toHaveLength(1);
    expect(about[0]).toContain('262144 bytes. Remove some.');
  });

  it('the mark is back once there is room', async () => {
    const { server, handle, seen } = await sceneWith({ annotations: full });
    appliedBy(await handle.replace(seen, recordBy('a'), patient()));
    server.leases.edit(LEASE.namespace, LEASE.name, ({ metadata }) => (metadata.annotations = { note: 'short' }));
    const record = recordBy('a');
    const written = appliedBy(await handle.replace(await handle.read(patient()), record, patient()));
    expect(written.lease?.record).toEqual(record);
  });

  it('a server with a narrower limit is heard once, and not asked in vain again', async () => {
    const { server, handle, seen, updates } = await sceneWith();
    const message =
      'Lease.coordination.k8s.io "orders" is invalid: metadata.annotations: Too long: must have at most 64 bytes';
    server.fault = (request, ...rest) =>
      Boolean(request.body?.metadata?.annotations?.[MARK]) &&
      answering(422, { kind: 'Status', code: 422, reason: 'Invalid', message })(request, ...rest);
    const first = appliedBy(await handle.replace(seen, recordBy('a'), patient()));
    expect(updates()).toBe(2);
    appliedBy(await handle.replace(first, recordBy('a'), patient()));
    expect(updates()).toBe(3);
  });

  it('another 422 is no reason to leave the mark out', async () => {
    const { server, handle, seen, updates } = await sceneWith();
    server.fault = answering(422, { kind: 'Status', code: 422, message: 'metadata.labels: Too long', details: {} });
    expect((await handle.replace(seen, recordBy('a'), patient())).kind).toBe('rejected');
    expect(updates()).toBe(1);
  });
});
