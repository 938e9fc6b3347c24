import { describe, expect, it } from 'vitest';
import { LeaseStoreError } from 'nestjs-leader/election';
import { answering, json, newAuthority, type Fault } from '../../kubernetes/fake-api-server.js';
import { appliedBy, impatient, LEASE, leaseScene, patient, recordBy, storeOf } from '../../kubernetes/lease-scene.js';

const status = (code: number, reason: string, message: string, details: object = {}) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
  details,
});

/** An update while `fault` answers in place of the API server. */
async function updateThrough(fault: Fault) {
  const scene = await leaseScene();
  const seen = await scene.write();
  scene.server.fault = fault;
  const outcome = await scene.handle.replace(seen, recordBy('a'), patient());
  scene.server.fault = undefined;
  const error = 'cause' in outcome ? (outcome.cause as LeaseStoreError) : undefined;
  return { ...scene, seen, outcome, error };
}

/** An update whose election loses patience once `fault` has had it. */
async function updateAbandonedIn(fault: Fault) {
  const scene = await leaseScene();
  const seen = await scene.write();
  const patience = new AbortController();
  scene.server.fault = (...call) => {
    setTimeout(() => patience.abort(), 20);
    return fault(...call);
  };
  const outcome = await scene.handle.replace(seen, recordBy('a'), patience.signal);
  scene.server.fault = undefined;
  return { ...scene, outcome, error: 'cause' in outcome ? (outcome.cause as LeaseStoreError) : undefined };
}

describe('a write that the API server refuses', () => {
  it('for want of a right is rejected with the exact rule to add', async () => {
    const { server, handle, seen, ...scene } = { ...(await updateThrough(() => false)) };
    server.forbidden.add('update leases').add('create leases');
    const now = appliedBy(scene.outcome);
    const update = await handle.replace(now, recordBy('a'), patient());
    expect(update).toMatchObject({ kind: 'rejected', cause: { code: 'STORE_FORBIDDEN' } });
    expect(adviceOf(update)).toBe(
      [
        'Add to a Role in namespace "default" that is bound to this user:',
        '  - apiGroups: ["coordination.k8s.io"]',
        '    resources: ["leases"]',
        '    resourceNames: ["orders"]',
        '    verbs: ["update"]',
      ].join('\n'),
    );
    // A name cannot limit a create: such a rule would grant nothing.
    expect(adviceOf(await handle.replace({ lease: null, token: 0n }, recordBy('a'), patient()))).not.toContain(
      'orders',
    );
    expect(seen.token).toBeLessThan(now.token);
  });

  it('for another reason than RBAC is not sent to look at its roles', async () => {
    const quota = status(403, 'Forbidden', 'exceeded quota: leases');
    const { outcome, error } = await updateThrough(answering(403, quota));
    expect(outcome.kind).toBe('rejected');
    expect(error?.advice).not.toContain('apiGroups');
    const dying = { causes: [{ reason: 'NamespaceTerminating' }] };
    const terminating = await updateThrough(answering(403, status(403, 'Forbidden', 'is being terminated', dying)));
    expect(terminating.error?.advice).toContain('"default" is being deleted');
  });

  it('into a namespace that does not exist is rejected and names it', async () => {
    const { store } = await leaseScene();
    const handle = store.open({ name: 'orders', namespace: 'nowhere' });
    const outcome = await handle.replace(await handle.read(patient()), recordBy('a'), patient());
    expect(outcome).toMatchObject({ kind: 'rejected', cause: { code: 'STORE_NOT_FOUND' } });
    expect(adviceOf(outcome)).toContain('namespace "nowhere"');
  });

  it('because it is no API server is rejected and says so', async () => {
    const { outcome, error } = await updateThrough(answering(404, '404 page not found'));
    expect(outcome.kind).toBe('rejected');
    expect(error).toMatchObject({ code: 'STORE_NOT_FOUND', advice: /Kubernetes API server/ });
  });

  it('as invalid is rejected with its reason', async () => {
    const { outcome, error } = await updateThrough(answering(422, status(422, 'Invalid', 'spec.x: too long')));
    expect(outcome.kind).toBe('rejected');
    expect(error?.message).toContain('spec.x: too long');
  });

  it('for too many requests is rejected with the pause that it asks for', async () => {
    // Priority and fairness answers in plain text.
    const { outcome } = await updateThrough(answering(429, 'Too many requests', { 'retry-after': '3' }));
    expect(outcome).toMatchObject({ kind: 'rejected', retryAfter: 3000 });
  });

  it('because the lease is deleted, or another by that name, is a conflict', async () => {
    const gone = status(404, 'NotFound', 'not found', { kind: 'leases', name: 'orders' });
    expect((await updateThrough(answering(404, gone))).outcome.kind).toBe('conflict');
    const { server, handle, seen } = await updateThrough(() => false);
    server.leases.delete(LEASE.namespace, LEASE.name);
    expect((await handle.replace(seen, recordBy('a'), patient())).kind).toBe('conflict');
    expect((await handle.read(patient())).lease).toBeNull();
  });
});

describe('a write with a token that the API server does not accept any more', () => {
  it('is sent once more with the token of the moment', async () => {
    let tokens = 0;
    const { server, handle, seen } = await updateThrough(() => false);
    const now = await handle.read(patient());
    server.fault = () => {
      // The kubelet has put a new token in place by the time it is read again.
      tokens += 1;
      if (tokens === 1) server.tokens.delete('secret');
      else server.tokens.add('secret');
    };
    expect((await handle.replace(now, recordBy('a'), patient())).kind).toBe('applied');
    expect(tokens).toBe(2);
    expect(seen.token).toBeLessThan(now.token);
  });

  it('is rejected after the second refusal, not sent a third time', async () => {
    const { server, handle, seen } = await updateThrough(() => false);
    server.tokens.clear();
    const before = server.requests.length;
    expect(await handle.replace(seen, recordBy('a'), patient())).toMatchObject({
      kind: 'rejected',
      cause: { code: 'STORE_UNAUTHENTICATED' },
    });
    expect(server.requests.length - before).toBe(2);
  });
});

describe('a write of which nobody knows', () => {
  it.each([[500], [502], [503], [504], [408]])('is unknown after a %i', async (code) => {
    const { outcome, error } = await updateThrough(answering(code, 'trouble', { 'retry-after': '1' }));
    expect(outcome.kind).toBe('unknown');
    expect(error).toMatchObject({ code: 'STORE_FAILED', retryAfter: 1000 });
  });

  it.each<[string, object | string]>([
    ['a login page', '<html>Sign in</html>'],
    ['an empty body', ''],
    ['another kind', { kind: 'Pod', apiVersion: 'v1', metadata: { uid: 'x', resourceVersion: '5' } }],
    ['another Lease', leaseLike({ name: 'invoices' })],
    ['a Lease without a version to compare', leaseLike({ resourceVersion: 'abc' })],
    ['a Lease of nobody', leaseLike({ resourceVersion: '99999' })],
  ])('is unknown after a success with %s', async (_what, body) => {
    const { outcome, error } = await updateThrough(answering(200, body));
    expect(outcome.kind).toBe('unknown');
    expect(error?.code).toBe('STORE_BAD_DATA');
  });

  it('is unknown when the version did not change: others saw no renewal', async () => {
    const { outcome } = await updateThrough((request, response) => {
      json(response, 200, request.body!);
      return true;
    });
    expect(outcome.kind).toBe('unknown');
  });

  it('is unknown when no answer comes in time, and the connection is not used again', async () => {
    const { outcome, error, server, handle } = await updateAbandonedIn(() => true);
    expect(outcome.kind).toBe('unknown');
    expect(error?.code).toBe('STORE_TIMEOUT');
    const frozen = server.requests.at(-1)!.connection;
    await handle.read(patient());
    expect(server.requests.at(-1)!.connection).toBeGreaterThan(frozen);
  });

  it('is unknown when the answer stops in its middle', async () => {
    const { outcome } = await updateAbandonedIn((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"kind":');
      return true;
    });
    expect(outcome.kind).toBe('unknown');
  });

  it('is unknown when the connection is cut on the way back', async () => {
    const { outcome, error } = await updateThrough((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{', () => response.destroy());
      return true;
    });
    expect(outcome.kind).toBe('unknown');
    expect(error?.code).toBe('STORE_FAILED');
  });

  it('is unknown when the answer never ends, and reading stops', async () => {
    let stopped = false;
    const { outcome } = await updateThrough((_request, response) => {
      response.writeHead(200);
      const chunk = 'x'.repeat(256 * 1024);
      const more = () => response.writable && response.write(chunk, more);
      response.on('close', () => (stopped = true));
      more();
      return true;
    });
    expect(outcome.kind).toBe('unknown');
    await expect.poll(() => stopped).toBe(true);
  });

  it('is unknown after a redirect, which is not followed: the token would go along', async () => {
    const stranger = await leaseScene();
    const location = `https://127.0.0.1:${stranger.server.port}/`;
    const { outcome, error } = await updateThrough(answering(307, '', { location }));
    expect(outcome.kind).toBe('unknown');
    expect(error?.advice).toContain('Redirects are not followed');
    expect(stranger.server.requests).toEqual([]);
  });
});

describe('a write that never left', () => {
  it('is rejected, not unknown, when the server does not get through the handshake', async () => {
    const { server, handle, seen } = await updateThrough(() => false);
    const { createServer } = await import('node:net');
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const mute = storeOf(Object.create(server, { port: { value: port } }) as typeof server);
    const outcome = await mute.open(LEASE).replace(seen, recordBy('a'), impatient());
    silent.close();
    expect(outcome).toMatchObject({ kind: 'rejected', cause: { code: 'STORE_TIMEOUT' } });
    expect((await handle.read(patient())).lease).not.toBeNull();
  });

  it('is rejected when the certificate is not of the CA in use', async () => {
    const { server, seen } = await updateThrough(() => false);
    const fooled = storeOf(Object.create(server, { ca: { value: newAuthority() } }) as typeof server);
    const outcome = await fooled.open(LEASE).replace(seen, recordBy('a'), patient());
    expect(outcome.kind).toBe('rejected');
    expect(adviceOf(outcome)).toContain('CA');
  });
});

const adviceOf = (outcome: object) => ((outcome as { cause?: LeaseStoreError }).cause?.advice ?? '') as string;

function leaseLike(metadata: object) {
  return {
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    metadata: { ...LEASE, uid: 'u', resourceVersion: '7', ...metadata },
  };
}
