import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { LeaseStoreError } from 'nestjs-leader/election';
import { answerError, badAnswerError } from '../../../lib/stores/kubernetes/api/api-status.js';
import { LEASES } from '../../../lib/stores/kubernetes/api/lease-api.js';
import { answering, json, type Fault } from '../../kubernetes/fake-api-server.js';
import { appliedBy, LEASE, leaseScene, patient, recordBy, storeOf } from '../../kubernetes/lease-scene.js';

const attempted = { ...LEASES, verb: 'update', ...LEASE };
const USER = 'User "system:serviceaccount:orders:worker"';
const CANNOT = `leases.coordination.k8s.io is forbidden: ${USER} cannot update resource "leases" in API group "coordination.k8s.io" in the namespace "default"`;

function refusalBy(status: number, message: string, details: object = {}, once = false) {
  const body = JSON.stringify({ kind: 'Status', code: status, message, details });
  return answerError({ status, headers: {}, body }, { ...attempted, once });
}

const refusalOnTheWay = (status: number, body: string, type = 'text/plain') =>
  answerError({ status, headers: { 'content-type': type }, body }, attempted);

describe('who refuses a request', () => {
  it.each<[string, number, string, RegExp, RegExp]>([
    ['RBAC', 403, CANNOT, /^RBAC refuses to update leases in namespace "default": HTTP 403, /, /^Add to a Role/],
    ['RBAC without its role', 403, `${CANNOT}: RBAC: role "x" not found`, /^RBAC refuses/, /^Add to a Role/],
    [
      'a warden of the provider',
      403,
      `${CANNOT}: GKE Warden authz [denied by managed-namespaces-limitation]: the namespace is managed`,
      /^The cloud provider's warden refuses/,
      /No Role helps.*Name another one in the election's `namespace`/,
    ],
    [
      'another authorizer',
      403,
      `${CANNOT}: User does not have access to the resource in Azure. Update role assignment to allow access.`,
      /^An authorizer beside RBAC refuses/,
      /A Role alone may not help/,
    ],
    [
      'want of credentials',
      403,
      CANNOT.replace(USER, 'User "system:anonymous"'),
      /^The API server refuses/,
      /without credentials/,
    ],
    [
      'a webhook that denies',
      403,
      'admission webhook "validation.gatekeeper.sh" denied the request: [block] no team',
      /^The admission webhook "validation\.gatekeeper\.sh" refuses/,
      /No Role helps: it has to allow "update" on leases/,
    ],
    [
      'a webhook that denies with another code',
      400,
      'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nblocked\n',
      /^The admission webhook "validate\.kyverno\.svc-fail" refuses.*\\n\\nblocked/,
      /No Role helps/,
    ],
    [
      'a webhook that is down',
      500,
      'Internal error occurred: failed calling webhook "x": Post "https://x.svc:443": context deadline exceeded',
      /for want of an answer of the admission webhook "x", refuses/,
      /The webhook is down.* It is retried by itself\.$/,
    ],
    [
      'a policy',
      422,
      `leases "orders" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: false`,
      /^The ValidatingAdmissionPolicy "p" refuses/,
      /No Role helps/,
    ],
    [
      'a quota',
      403,
      'leases.coordination.k8s.io "orders" is forbidden: exceeded quota: objects, requested: count=1, used: 10, limited: 10',
      /^The ResourceQuota "objects" refuses/,
      /Raise it/,
    ],
    [
      'another admission plugin',
      403,
      'leases "orders" is forbidden: no',
      /^An admission plugin/,
      /not RBAC that refuses/,
    ],
    [
      'etcd',
      500,
      'etcdserver: request timed out',
      /^etcd, behind the API server, answers HTTP 500: etcd/,
      /disks and members/,
    ],
    [
      'a server in trouble',
      503,
      'apiserver is shutting down',
      /^The API server answers HTTP 503: /,
      /It is retried by itself/,
    ],
    [
      'a busy server',
      429,
      'too many requests',
      /^The API server answers HTTP 429: /,
      /left alone.* It is retried by itself/,
    ],
    [
      'an unknown token',
      401,
      'Unauthorized',
      /^The API server answers HTTP 401: Unauthorized\.$/,
      /does not accept the credentials/,
    ],
    [
      'the schema',
      422,
      'Lease is invalid: spec.x: too long',
      /^The API server refuses to update.*: spec\.x: too long\.$/,
      /See its message/,
    ],
  ])('is told: %s', (what, status, said, message, advice) => {
    const error = refusalBy(status, said);
    expect(error.message).toMatch(message);
    expect(error.advice).toMatch(advice);
    const isDenial = /webhook that denies|policy|quota/.test(what);
    if (isDenial) expect(error.code).toBe('STORE_FORBIDDEN');
    // Only what a Role helps against is met with one.
    expect(error.advice!.includes('apiGroups')).toBe(error.message.startsWith('RBAC'));
  });

  it.each<[string, number, string, string, RegExp, RegExp]>([
    [
      'a mesh',
      403,
      'RBAC: access denied',
      'text/plain',
      /^Something before the API server .* HTTP 403: "RBAC: access denied"\.$/,
      /No Role helps/,
    ],
    [
      'a firewall',
      403,
      '<html><title>403 Forbidden</title>Request <b>blocked</b></html>',
      'text/html',
      /"403 Forbidden Request blocked"/,
      /No Role helps/,
    ],
    [
      'a sign-in',
      401,
      '<!DOCTYPE html><p>Please sign in',
      'text/html',
      /^Something before.*"Please sign in"\.$/,
      /sign-in of its own/,
    ],
    [
      'a balancer',
      502,
      '<html><head><style>p{}</style></head>502 Bad Gateway</html>',
      'text/html',
      /^Something before.*"502 Bad Gateway"\.$/,
      /It is retried by itself\.$/,
    ],
    [
      'either',
      503,
      'service unavailable',
      'text/plain',
      /^The API server, or something before it, answers HTTP 503/,
      /retried/,
    ],
    [
      'flow control',
      429,
      'Too many requests, please try again later.',
      'text/plain',
      /^The API server answers HTTP 429/,
      /retried/,
    ],
    ['a redirect', 302, '', '', /^Something before the API server.*answers HTTP 302: ""/, /Redirects are not followed/],
    [
      'another server',
      404,
      '404 page not found',
      'text/plain',
      /^The API server answers HTTP 404/,
      /check that the address/,
    ],
  ])('is told where it is not the API server: %s', (_what, status, body, type, message, advice) => {
    const error = refusalOnTheWay(status, body, type);
    expect(error.message).toMatch(message);
    expect(error.advice).toMatch(advice);
    expect(error.advice).not.toContain('apiGroups');
  });

  it('is told with the same words for every request that it would have met', () => {
    const body = JSON.stringify({ kind: 'Status', message: 'etcdserver: no leader' });
    const messages = ['get', 'list', 'watch', 'update'].map(
      (verb) => answerError({ status: 500, headers: {}, body }, { ...attempted, verb }).message,
    );
    expect(new Set(messages).size).toBe(1);
    const page = { status: 200, headers: {}, body: '<html>Sign in</html>' };
    const pages = ['get', 'list'].map((verb) => badAnswerError(page, { ...attempted, verb }).message);
    expect(new Set(pages)).toEqual(
      new Set(['Something before the API server answers HTTP 200 in its place: "Sign in".']),
    );
  });

  it('is not called retried where nobody repeats it', () => {
    expect(refusalBy(503, 'shutting down', {}, true).advice).not.toContain('retried');
  });

  it('is told on one line and not in full, whatever it says', () => {
    const hostile = `\u001b[2J\nERROR forged \u202e${'x'.repeat(1_000_000)}`;
    for (const error of [
      refusalBy(403, `admission webhook "${hostile}" denied the request`),
      refusalBy(500, hostile),
      refusalBy(403, `${CANNOT}: ${hostile}`),
      refusalOnTheWay(502, hostile),
      refusalOnTheWay(502, `<html>${hostile}`, 'text/html'),
      badAnswerError({ status: 200, headers: {}, body: JSON.stringify({ kind: hostile }) }, attempted),
    ]) {
      const text = `${error.message} ${error.advice}`;
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      expect(text.length).toBeLessThan(1_200);
    }
  });
});

describe('what is said of one cause', () => {
  /** A store that has been asked for everything at once, as at boot, and what it said and threw. */
  async function booted(fault: Fault) {
    vi.stubEnv('POD_NAME', 'orders-1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const scene = await leaseScene();
    const store = storeOf(scene.server, { events: true, labelLeaderPod: true });
    onTestFinished(() => store.close());
    const said: string[] = [];
    const log = { log() {}, error() {}, warn: (message: string) => void said.push(message) };
    const handle = store.open(LEASE, log);
    scene.server.fault = fault;
    const over = new AbortController();
    const watch = handle.watch!(over.signal)[Symbol.asyncIterator]();
    const thrown = await Promise.all(
      [handle.read(patient()), watch.next()].map((work) => work.then(undefined, (error: LeaseStoreError) => error)),
    );
    over.abort();
    await store.close();
    return { said, thrown: thrown.map((error) => (error instanceof Error ? error.message : '')) };
  }

  it.each<[string, Fault]>([
    ['a server in trouble', answering(503, { kind: 'Status', code: 503, message: 'starting' })],
    ['refused credentials', answering(401, { kind: 'Status', code: 401, message: 'Unauthorized' })],
    ['a proxy', answering(403, 'RBAC: access denied')],
    ['a login page', answering(200, '<html>Sign in</html>')],
  ])('%s: reading and watching say the same, and nothing else says anything', async (_what, fault) => {
    const { said, thrown } = await booted(fault);
    expect(thrown[0]).not.toBe('');
    expect(new Set(thrown).size).toBe(1);
    expect(said).toEqual([]);
  });

  it('an errand that fails for what the election tells already is silent, and speaks up when it fails for itself', async () => {
    const { server, store } = await leaseScene({ events: true });
    const said: string[] = [];
    const log = { log() {}, error() {}, warn: (message: string) => void said.push(message) };
    const handle = store.open(LEASE, log);
    const first = appliedBy(
      await handle.replace(await handle.read(patient()), recordBy('a', { term: '1' }), patient()),
    );
    await expect.poll(() => server.events).toHaveLength(1);
    const trouble = { kind: 'Status', code: 503, message: 'starting' };
    server.fault = ({ path, method }, response) => {
      if (method !== 'POST' && !path.endsWith('/orders')) return false;
      if (method === 'PUT') return false;
      json(response, 503, trouble);
      return true;
    };
    await handle.read(patient()).catch(() => {});
    const second = appliedBy(await handle.replace(first, recordBy('a', { term: '2' }), patient()));
    await expect.poll(() => server.requests.filter(({ path }) => path.endsWith('/events'))).toHaveLength(3);
    server.fault = undefined;
    await handle.read(patient());
    expect(said).toEqual([]);
    server.forbidden.add('create events');
    appliedBy(await handle.replace(second, recordBy('a', { term: '3' }), patient()));
    await store.close();
    expect(said.filter((line) => line.includes('could not write an event'))).toHaveLength(1);
  });
});

describe('a connection that fails', () => {
  it('is told apart from one that was cut, for a watch too', async () => {
    const { server, handle, store, write } = await leaseScene();
    await write();
    server.fault = ({ query }, _response, incoming) => {
      if (!query.has('watch')) return false;
      incoming.socket.destroy();
      return true;
    };
    const watch = handle.watch!(patient())[Symbol.asyncIterator]();
    await watch.next();
    await expect(watch.next()).rejects.toMatchObject({ message: /^The connection to the API server broke: / });
    await store.close();
    await server.stop();
    const refused = handle.watch!(patient())[Symbol.asyncIterator]();
    await expect(refused.next()).rejects.toMatchObject({ message: /^No connection to the API server: .*ECONNREFUSED/ });
  });

  it('names no time that this process chose', async () => {
    const { server, handle } = await leaseScene();
    server.fault = () => true;
    const error: unknown = await handle.read(AbortSignal.timeout(13)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_TIMEOUT', message: expect.not.stringMatching(/\d/) });
  });

  it('says of a server that is none, that speaks no TLS, what it said', async () => {
    const plain = createServer((socket) => socket.end('HTTP/1.0 400 \u001b[31m\r\n\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void plain.close());
    const { server } = await leaseScene();
    const { port } = plain.address() as { port: number };
    const store = storeOf(Object.create(server, { port: { value: port } }) as typeof server);
    onTestFinished(() => store.close());
    const error: unknown = await store
      .open(LEASE)
      .read(patient())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_FAILED', message: /^No connection to the API server: / });
    // OpenSSL ends its complaints with a line end.
    expect((error as Error).message).not.toContain('\n');
  });
});
