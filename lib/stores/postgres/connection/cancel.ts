import { connect } from 'node:net';
import type { PgPoolClient } from '../options.js';

/** What `pg` keeps of a connection, and what a CancelRequest of the wire protocol needs. Absent in other drivers. */
interface Cancellable {
  host?: string;
  port?: number;
  processID?: number | null;
  secretKey?: number | null;
}

const CANCEL_REQUEST_CODE = 80877102;
const PATIENCE = 2_000;

/**
 * Asks the server to stop what it does for `client`, so that attempts do not pile up behind a lock. It is a courtesy, as in the
 * protocol: sent on a connection of its own, never answered, perhaps too late. The outcome of the statement stays unknown.
 */
export function cancelStatement(client: PgPoolClient): void {
  const { host, port, processID, secretKey } = client as Cancellable;
  if (!host || !port || !processID || typeof secretKey !== 'number') return;

  const request = Buffer.alloc(16);
  request.writeInt32BE(request.length, 0);
  request.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.unref();
  socket.setTimeout(PATIENCE, () => socket.destroy());
  // Nothing depends on it: whoever cannot be reached cannot be asked to stop either.
  socket.on('error', () => socket.destroy());
  socket.end(request);
}
