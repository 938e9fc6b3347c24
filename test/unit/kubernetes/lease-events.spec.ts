import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ApiClient } from '../../../lib/stores/kubernetes/api/api-client.js';
import { BackgroundRequests } from '../../../lib/stores/kubernetes/extras/background-requests.js';
import { LeaseEvents } from '../../../lib/stores/kubernetes/extras/lease-events.js';
import type { OwnTerm } from '../../../lib/stores/kubernetes/extras/own-terms.js';
import type { Request } from '../../../lib/stores/kubernetes/api/transport.js';
import { appliedBy, LEASE, leaseScene, patient, recordBy, storeOf } from '../../kubernetes/lease-scene.js';

const messages = ({ events }: { events: object[] }) => events.map((event) => (event as { message: string }).message);

describe('events on the Lease', () => {
  it('say who became leader and who stopped, once a term', async () => {
    const { server, store, handle, write } = await leaseScene({ events: true });
    let seen = await write(recordBy('a', { term: '1' }));
    for (let i = 0; i < 3; i++) seen = appliedBy(await handle.replace(seen, recordBy('a', { term: '1' }), patient()));
    await write(recordBy(null, { term: '1' }));
    await write(recordBy('a', { term: '2' }));
    await store.close();
    expect(messages(server)).toEqual(['a became leader', 'a stopped leading', 'a became leader', 'a stopped leading']);
  });

  it('are of the form that `kubectl describe lease` looks for', async () => {
    const { server, write } = await leaseScene({ events: true });
    const seen = await write();
    await expect.poll(() => server.events).toHaveLength(1);
    expect(server.events[0]).toMatchObject({
      metadata: { name: expect.stringMatching(/^orders\.[0-9a-f]+$/), namespace: 'default' },
      involvedObject: {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        ...LEASE,
        uid: seen.lease?.uid,
      },
      type: 'Normal',
      reason: 'LeaderElection',
      firstTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      count: 1,
    });
  });

  it('say so when the lease was lost to another', async () => {
    const { server, handle, write } = await leaseScene({ events: true });
    await write();
    server.leases.edit(LEASE.namespace, LEASE.name, ({ spec }) => (spec.holderIdentity = 'thief'));
    await handle.read(patient());
    await expect.poll(() => messages(server)).toEqual(['a became leader', 'a stopped leading']);
  });

  it('are one harmless line each, whatever the holder is called', async () => {
    const { server, write } = await leaseScene({ events: true });
    await write(recordBy(`a\n\u001b[2Jforged\u202e${'x'.repeat(5_000)}`));
    await expect.poll(() => server.events).toHaveLength(1);
    const [message] = messages(server);
    expect(message).toMatch(/^a\\n\\u\{1b\}\[2Jforged\\u\{202e\}x+… became leader$/);
    expect(message!.length).toBeLessThan(300);
  });

  it('have a name that is one, however long the lease is called', async () => {
    const { server, store } = await leaseScene({ events: true });
    const handle = store.open({ name: `${'x'.repeat(229)}.y`, namespace: 'default' });
    appliedBy(await handle.replace(await handle.read(patient()), recordBy('a'), patient()));
    await store.close();
    const { name } = (server.events[0] as { metadata: { name: string } }).metadata;
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  });

  it('say nothing of an edit that leaves the holder alone', async () => {
    const { server, store, handle, write } = await leaseScene({ events: true });
    await write();
    server.leases.edit(LEASE.namespace, LEASE.name, ({ metadata }) => (metadata.labels = { x: 'y' }));
    await handle.read(patient());
    await expect.poll(() => messages(server)).toEqual(['a became leader']);
    await store.close();
  });

  it('are not written by a standby', async () => {
    const { server, write } = await leaseScene({ events: true });
    await write();
    const standby = storeOf(server, { events: true });
    await standby.open(LEASE).read(patient());
    await standby.close();
    expect(messages(server)).toEqual(['a became leader']);
  });

  it('are few, however often the lease changes hands', async () => {
    const { server, store, write } = await leaseScene({ events: true });
    for (let i = 0; i < 20; i++) await write(recordBy('a', { term: String(i) }));
    await store.close();
    expect(server.events).toHaveLength(10);
  });

  it('come after the write of the successor, which the API server would otherwise have to serve beside them', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const said: string[] = [];
    const call = ({ body }: Request) => {
      said.push((JSON.parse(body!) as { message: string }).message);
      return Promise.resolve({ status: 201, headers: {}, body: '' });
    };
    const events = new LeaseEvents({ call } as unknown as ApiClient, new BackgroundRequests('orders'));
    const term = { holder: 'a', term: '1', lease: { metadata: LEASE } } as unknown as OwnTerm;
    events.began(term);
    events.ended(term);
    await vi.advanceTimersByTimeAsync(49);
    expect(said).toEqual(['a became leader']);
    await vi.advanceTimersByTimeAsync(1);
    expect(said).toEqual(['a became leader', 'a stopped leading']);
  });

  it('delay no write: the API server may keep them waiting', async () => {
    const { server, write } = await leaseScene({ events: true });
    server.fault = ({ path }) => path.endsWith('/events');
    await write(recordBy('a', { term: '1' }));
    await expect.poll(() => server.requests.some(({ path }) => path.endsWith('/events'))).toBe(true);
    await write(recordBy('a', { term: '2' }));
    expect(server.events).toEqual([]);
  });

  it('fail no write: a refusal is said once, with the rule to add', async () => {
    const { server, store } = await leaseScene({ events: true });
    server.forbidden.add('create events');
    const said: string[] = [];
    const log = { log() {}, error() {}, warn: (message: string) => void said.push(message) };
    const handle = store.open({ name: 'second', namespace: 'default' }, log);
    for (const term of ['1', '2', '3'])
      appliedBy(await handle.replace(await handle.read(patient()), recordBy('a', { term }), patient()));

    await store.close();
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^Lease "second": could not write an event on the lease: .*verbs: \["create"\]/s);
  });
});
