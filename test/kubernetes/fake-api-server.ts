import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'node:net';
import { CertificateAuthority } from '../e2e/control-plane/certificates.js';
import { FakeLeaseRegistry, Refusal, type Obj } from './fake-lease-registry.js';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  readonly body: Obj | undefined;
  readonly contentType: string | undefined;
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
}

/** Answers a request in place of the API server; `false` lets it through. */
export type Fault = (request: SeenRequest, response: ServerResponse, incoming: IncomingMessage) => boolean | void;

type Route = [method: string, path: RegExp, resource: string];

const ROUTES: Route[] = [
  ['GET', /^\/apis\/coordination.k8s.io\/v1\/namespaces\/([^/]+)\/leases(?:\/([^/]+))?$/, 'leases'],
  ['POST', /^\/apis\/coordination.k8s.io\/v1\/namespaces\/([^/]+)\/leases$/, 'leases'],
  ['PUT', /^\/apis\/coordination.k8s.io\/v1\/namespaces\/([^/]+)\/leases\/([^/]+)$/, 'leases'],
  ['POST', /^\/api\/v1\/namespaces\/([^/]+)\/events$/, 'events'],
  ['GET', /^\/api\/v1\/namespaces\/([^/]+)\/pods$/, 'pods'],
  ['PATCH', /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/, 'pods'],
  ['POST', /^\/apis\/authorization.k8s.io\/v1\/()selfsubjectrulesreviews$/, 'selfsubjectrulesreviews'],
];

/** The part of an API server that a Lease needs, over real TLS on loopback, with faults on demand. */
export class FakeApiServer {
  readonly leases = new FakeLeaseRegistry();
  readonly requests: SeenRequest[] = [];
  readonly events: Obj[] = [];
  /** Labels of each Pod. */
  readonly pods = new Map<string, Record<string, string>>();
  readonly tokens = new Set(['secret']);
  /** `verb resource` pairs that RBAC refuses. */
  readonly forbidden = new Set<string>();
  /** What a SelfSubjectRulesReview answers. */
  rules: { status: Obj } = { status: { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] } };
  fault: Fault | undefined;
  connections = 0;
  private readonly sockets = new Map<Socket, number>();
  private readonly watches = new Set<ServerResponse>();

  private constructor(
    private readonly server: Server,
    public ca: CertificateAuthority,
  ) {}

  static async start(host = '127.0.0.1'): Promise<FakeApiServer> {
    const ca = newAuthority();
    const server = createServer({ ...serving(ca), keepAliveTimeout: 90_000 });
    const fake = new FakeApiServer(server, ca);
    server.on('request', (incoming, response) => void fake.handle(incoming, response));
    server.on('secureConnection', (socket: Socket) => {
      fake.connections += 1;
      fake.sockets.set(socket, fake.connections);
      socket.on('close', () => fake.sockets.delete(socket)).on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return fake;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  get openWatches(): number {
    return this.watches.size;
  }

  /** Now presents a certificate of another authority. */
  rotateCa(): void {
    this.ca = newAuthority();
    this.server.setSecureContext(serving(this.ca));
  }

  /** Closes every connection without a word, as a load balancer does with idle ones. */
  cutConnections(): void {
    for (const socket of this.sockets.keys()) socket.destroy();
  }

  /** Ends every watch in good order, as its `timeoutSeconds` would. */
  endWatches(): void {
    for (const watch of this.watches) watch.end();
  }

  /** Says something on every watch. */
  tellWatches(text: string): void {
    for (const watch of this.watches) watch.write(text);
  }

  async stop(): Promise<void> {
    this.cutConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'https://fake');
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) text += chunk as string;
    const request: SeenRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      token: incoming.headers.authorization?.replace('Bearer ', ''),
      body: text === '' ? undefined : (JSON.parse(text) as Obj),
      contentType: incoming.headers['content-type'],
      connection: this.sockets.get(incoming.socket) ?? 0,
    };
    this.requests.push(request);
    if (this.fault?.(request, response, incoming) === true) return;
    try {
      this.serve(request, response);
    } catch (error) {
      if (!(error instanceof Refusal)) return void json(response, 500, { message: String(error) });
      const { code, reason, message, details } = error;
      json(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, details, code });
    }
  }

  private serve(request: SeenRequest, response: ServerResponse): void {
    if (!this.tokens.has(request.token ?? '')) throw new Refusal(401, 'Unauthorized', 'Unauthorized');
    const route = ROUTES.find(([method, path]) => method === request.method && path.test(request.path));
    if (!route) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
    const [, namespace = '', name = ''] = route[1].exec(request.path) ?? [];
    const verb = verbOf(request, name);
    if (this.forbidden.has(`${verb} ${route[2]}`)) {
      const message = `${route[2]} is forbidden: User "system:serviceaccount:default:app" cannot ${verb} resource "${route[2]}" in the namespace "${namespace}"`;
      throw new Refusal(403, 'Forbidden', message, { kind: route[2] });
    }
    switch (`${verb} ${route[2]}`) {
      case 'get leases':
        return json(response, 200, this.leases.get(namespace, name));
      case 'list leases':
        return json(response, 200, this.listOf(namespace, request));
      case 'watch leases':
        return this.watch(namespace, request, response);
      case 'create leases':
        return json(response, 201, this.leases.create(namespace, request.body!));
      case 'update leases':
        return json(response, 200, this.leases.update(namespace, name, request.body!));
      case 'create events':
        this.events.push(request.body!);
        return json(response, 201, request.body!);
      case 'list pods':
        return json(response, 200, this.podsLike(request.query.get('labelSelector') ?? ''));
      case 'patch pods':
        return json(response, 200, this.patchPod(name, request.body!));
      default:
        return json(response, 201, { kind: 'SelfSubjectRulesReview', ...this.rules });
    }
  }

  private listOf(namespace: string, request: SeenRequest): Obj {
    const items = this.leases
      .list(namespace, nameIn(request))
      .map(({ kind: _kind, apiVersion: _version, ...item }) => item);
    const { resourceVersion } = this.leases;
    return { kind: 'LeaseList', apiVersion: 'coordination.k8s.io/v1', metadata: { resourceVersion }, items };
  }

  private watch(namespace: string, request: SeenRequest, response: ServerResponse): void {
    const name = nameIn(request);
    const from = request.query.get('resourceVersion');
    const tell = (type: string, object: Obj) => response.write(`${JSON.stringify({ type, object })}\n`);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from !== null && Number(from) < this.leases.compacted) {
      tell('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: `too old resource version: ${from}` });
      return void response.end();
    }
    let next = this.leases.changes.length;
    if (from === null) for (const lease of this.leases.list(namespace, name)) tell('ADDED', lease);
    else next = this.leases.changes.findIndex(({ object }) => Number(object.metadata.resourceVersion) > Number(from));
    if (next < 0) next = this.leases.changes.length;
    const flush = () => {
      for (; next < this.leases.changes.length; next++) {
        const { type, object } = this.leases.changes[next]!;
        if (object.metadata.name === name && object.metadata.namespace === namespace) tell(type, object);
      }
    };
    flush();
    const stop = this.leases.onChange(flush);
    this.watches.add(response);
    response.on('close', () => {
      stop();
      this.watches.delete(response);
    });
  }

  private podsLike(selector: string): Obj {
    const [key = '', value] = selector.split('=');
    const items = [...this.pods].filter(([, labels]) => labels[key] === value);
    return { kind: 'PodList', items: items.map(([name]) => this.pod(name)) };
  }

  private pod(name: string): Obj {
    const labels = this.pods.get(name)!;
    return { kind: 'Pod', metadata: { name, labels, resourceVersion: JSON.stringify(labels) } };
  }

  private patchPod(name: string, { metadata }: Obj): Obj {
    const labels = this.pods.get(name);
    if (!labels) throw new Refusal(404, 'NotFound', `pods "${name}" not found`, { kind: 'pods' });
    if (metadata.resourceVersion && metadata.resourceVersion !== this.pod(name).metadata.resourceVersion)
      throw new Refusal(409, 'Conflict', 'the object has been modified', { kind: 'pods' });

    for (const [key, value] of Object.entries(metadata.labels as Record<string, string | null>)) {
      if (value === null) delete labels[key];
      else labels[key] = value;
    }
    return this.pod(name);
  }
}

export const newAuthority = () => new CertificateAuthority(`fake ${randomUUID()}`);

function serving(ca: CertificateAuthority): { key: string; cert: string } {
  const { key, certificate } = ca.serving(['127.0.0.1', '::1', 'localhost']);
  return { key, cert: certificate };
}

function verbOf({ method, query }: SeenRequest, name: string): string {
  if (method === 'POST') return 'create';
  if (method !== 'GET') return method === 'PUT' ? 'update' : 'patch';
  return name ? 'get' : query.has('watch') ? 'watch' : 'list';
}

const nameIn = ({ query }: SeenRequest) => query.get('fieldSelector')?.replace('metadata.name=', '') ?? '';

export function json(response: ServerResponse, code: number, body: Obj, headers: Record<string, string> = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** A fault that answers every request so. */
export function answering(code: number, body: Obj | string, headers: Record<string, string> = {}): Fault {
  return (_request, response) => {
    if (typeof body === 'object') json(response, code, body, headers);
    else response.writeHead(code, headers).end(body);
    return true;
  };
}
