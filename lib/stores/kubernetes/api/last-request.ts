import { readSync } from 'node:fs';
import type { Agent, OutgoingHttpHeader } from 'node:http';
import type { Socket } from 'node:net';
import type { LastRequest } from '../../../election/exit/exit.js';

/** Bytes. What the first flight of a connection carries: more would need an answer of the peer in between, and nobody is left to wait. */
const MOST = 14_000;

/** Where a socket keeps its descriptor, which no public property tells. */
const HANDLE = '_handle';

interface Target {
  readonly method: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, OutgoingHttpHeader | readonly string[]>>;
}

/**
 * Writes a request as text on an idle connection: `socket.write` hands it to the kernel before it returns, and Node's own request would
 * only do so in a turn of the event loop that does not come. One connection each: of a second request on the same one Node keeps all bytes
 * back, for a callback that does not come either. `null`: there is no connection that `isFit` for it.
 */
export function sendAtExit(
  agent: Agent,
  target: Target,
  body: string,
  isFit: (socket: Socket) => boolean,
): LastRequest | null {
  const text = textOf(target) + body;
  if (Buffer.byteLength(text) > MOST) return null;
  const socket = takeIdle(agent, isFit);
  if (socket === null) return null;
  socket.on('error', () => undefined);
  socket.write(text);
  return { isAnswered: () => look(socket) !== 'silence', close: () => socket.destroy() };
}

/** Header values come from configuration files: one with a line break would be another request. */
function textOf({ method, host, port, path, headers }: Target): string {
  const lines = Object.entries({ host: `${host.includes(':') ? `[${host}]` : host}:${port}`, ...headers }).flatMap(
    ([name, values]) => [values].flat().map((value) => `${name}: ${value}`),
  );
  return (
    [`${method} ${path} HTTP/1.1`, ...lines].map((line) => `${line.replace(/[\r\n]/g, ' ')}\r\n`).join('') + '\r\n'
  );
}

/** Takes one out of the pool, so that a process that lives on never uses it again. */
function takeIdle(agent: Agent, isFit: (socket: Socket) => boolean): Socket | null {
  const free = agent.freeSockets as Record<string, Socket[]>;
  for (const [name, sockets] of Object.entries(free)) {
    const index = sockets.findIndex((socket) => isFit(socket) && isUsable(socket));
    if (index < 0) continue;
    const [socket] = sockets.splice(index, 1);
    if (sockets.length === 0) delete free[name];
    // Alone it would leave the socket where the next request finds it.
    socket!.emit('agentRemove');
    return socket!;
  }
  return null;
}

function isUsable(socket: Socket): boolean {
  return !socket.destroyed && socket.writable && socket.writableLength === 0 && look(socket) === 'silence';
}

/**
 * What the kernel has for this connection that Node has not read yet. Anything but silence means that the peer has closed it, or that
 * its last word would pass for an answer. Windows has no descriptor to ask: nothing is sent there.
 */
function look(socket: Socket): 'silence' | 'something' {
  const { [HANDLE]: handle } = socket as unknown as { [HANDLE]?: { fd?: number } | null };
  const fd = handle?.fd ?? -1;
  if (fd < 0) return 'something';
  try {
    readSync(fd, Buffer.alloc(1));
    return 'something';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'silence' : 'something';
  }
}
