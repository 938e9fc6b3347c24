import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { LastRequest } from '../../../election/exit/exit.js';
import { sendAtExit } from './last-request.js';
import { doorOf, type Connection } from './connection.js';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
  readonly body?: string;
  /** Of the body; default `application/json`. */
  readonly contentType?: string;
  /** Nobody repeats it where it fails. */
  readonly once?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** An earlier sending of the same request ended without an answer, and may have been carried out: this one speaks for itself alone. */
  readonly repeated?: boolean;
}

/** No whole answer came. `sent` false: the request certainly never left this process. */
export class NoAnswer extends Error {
  constructor(
    readonly sent: boolean,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }

  /** For callers to whom it makes no difference whether the request was sent: throws the reason alone. */
  static unwrap(this: void, error: unknown): never {
    throw error instanceof NoAnswer ? error.cause : error;
  }
}

/** A Lease is about 1 KiB; etcd keeps no object above 1.5 MiB. */
const MAX_BODY = 2 * 1024 * 1024;

const CLOSED = new Set(['ECONNRESET', 'EPIPE']);

interface Wire {
  readonly protocol: Connection['protocol'];
  readonly request: typeof import('node:https').request;
  readonly agent: Agent;
}

/**
 * HTTP/1.1 over kept-alive connections, one signal over everything from the connect to the last byte. Redirects come back as
 * answers: following one would carry the token to a stranger.
 */
export class Transport {
  private wire?: Wire;
  private readonly openedFor = new WeakMap<Socket, Connection>();

  async call(connection: Connection, request: Request, signal: AbortSignal): Promise<Answer> {
    const attempt = { sent: false, reused: false };
    try {
      return await this.exchange(connection, request, signal, attempt);
    } catch (error) {
      // The server closed an idle connection as it was picked up. Safe to repeat even for a write that did arrive: it names the
      // version that it replaces, so of the two at most one applies.
      if (!signal.aborted && attempt.reused && CLOSED.has((error as NodeJS.ErrnoException).code ?? '')) {
        return this.exchange(connection, request, signal, attempt).then(
          (answer) => ({ ...answer, repeated: true }),
          (again: unknown) => {
            throw new NoAnswer(true, again);
          },
        );
      }
      throw new NoAnswer(attempt.sent, error);
    }
  }

  /** The response as soon as its head is there. Aborting `signal` cuts it at any later time, too. A connection of its own. */
  async stream(connection: Connection, request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    const { request: send } = await this.wireTo(connection);
    signal.throwIfAborted();
    const attempt = { sent: false, reused: false };
    return new Promise((resolve, reject) => {
      const outgoing = send({ ...target(connection, request), agent: connection.proxy ?? false, signal });
      follow(outgoing, attempt);
      outgoing.on('error', (error) => reject(new NoAnswer(attempt.sent, error)));
      outgoing.on('response', (response) => {
        // Who is ill for a watch is ill for calls.
        if (isUnwell(response.statusCode ?? 0)) this.leaveIdle();
        resolve(response);
      });
      outgoing.setNoDelay(true);
      outgoing.setSocketKeepAlive(true, 5000);
      outgoing.end();
    });
  }

  /**
   * Sends a request while the process ends: at once, and on a connection of its own out of those that are idle, which no other request
   * ever gets. Where there is none, or the way leads through a proxy, it is not sent.
   */
  callAtExit(connection: Connection, request: Request): LastRequest | null {
    if (!this.wire || connection.proxy) return null;
    return sendAtExit(this.wire.agent, target(connection, request), request.body ?? '', (socket) => {
      const openedFor = this.openedFor.get(socket);
      // After a rotation of CA or certificate it is not.
      return openedFor !== undefined && doorOf(openedFor) === doorOf(connection);
    });
  }

  /** The next requests go over new connections: where several API servers share an address, that is the way to another one. */
  leaveIdle(): void {
    if (this.wire) dropIdle(this.wire.agent);
  }

  close(): void {
    this.wire?.agent.destroy();
    this.wire = undefined;
  }

  private async exchange(
    connection: Connection,
    request: Request,
    signal: AbortSignal,
    attempt: Attempt,
  ): Promise<Answer> {
    const { request: send, agent } = await this.wireTo(connection);
    signal.throwIfAborted();
    const outgoing = send({ ...target(connection, request), agent: connection.proxy ?? agent });
    outgoing.once('socket', (socket: Socket) => this.openedFor.set(socket, connection));
    const abort = () => outgoing.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const answer = await settled(outgoing, request.body, attempt);
      if (isDoubtful(answer)) dropIdle(agent);
      return answer;
    } catch (error) {
      // What froze or closed this connection has most likely done the same to the idle ones beside it.
      dropIdle(agent);
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /**
   * Loaded on first use, so that importing the package costs no TLS. The agent keeps connections apart by CA, certificate and
   * server name: after a rotation none of the old ones is used.
   */
  private async wireTo({ protocol }: Connection): Promise<Wire> {
    if (this.wire?.protocol === protocol) return this.wire;
    const { Agent, request } = protocol === 'http:' ? await import('node:http') : await import('node:https');
    if (this.wire?.protocol !== protocol)
      this.wire = { protocol, request, agent: new Agent({ keepAlive: true, keepAliveMsecs: 5000 }) };

    return this.wire;
  }
}

function target(connection: Connection, { method, path, body, contentType = 'application/json' }: Request) {
  return {
    method,
    host: connection.host,
    port: connection.port,
    path: connection.basePath + path,
    headers: {
      accept: 'application/json',
      'user-agent': 'nestjs-leader',
      ...connection.headers,
      ...(body === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
    },
    ...connection.tls,
  };
}

interface Attempt {
  sent: boolean;
  reused: boolean;
}

function follow(outgoing: ClientRequest, attempt: Attempt): void {
  outgoing.on('socket', (socket: Socket) => {
    attempt.reused = outgoing.reusedSocket;
    // Until the handshake is through, not a byte of the request is out: a refused or hung connect has certainly written nothing.
    if (!socket.connecting) attempt.sent = true;
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => (attempt.sent = true));
  });
}

function settled(outgoing: ClientRequest, body: string | undefined, attempt: Attempt): Promise<Answer> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    follow(outgoing, attempt);
    outgoing.on('response', (response) => resolve(readAnswer(response)));
    outgoing.setNoDelay(true);
    outgoing.end(body);
  });
}

/**
 * Reads a response to its end. Bounded: an answer that never stops would otherwise fill the memory. A connection that brings what an
 * API server in order does not say is closed: it would lead to the same ill one forever, while others behind the address are well.
 */
export function readAnswer(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Not the response's any more by its end.
    const { socket } = response;
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
      if (body.length > MAX_BODY) response.destroy(new Error(`The answer is longer than ${MAX_BODY} characters.`));
    });
    response.on('end', () => {
      const answer = { status: response.statusCode ?? 0, headers: response.headers, body };
      if (isDoubtful(answer)) socket.destroy();
      resolve(answer);
    });
    response.on('error', reject).on('close', () => reject(new Error('The answer was cut off.')));
  });
}

const isUnwell = (status: number) => status >= 500;

/** Not of an API server in order: its internal errors, and what is none of its objects. The 429 of a busy one comes as plain text. */
function isDoubtful({ status, body }: Answer): boolean {
  return isUnwell(status) || (status !== 429 && !/^\s*\{[^]*"kind"/.test(body));
}

function dropIdle(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}
