import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';

/** One address for whichever server is the primary, as a virtual address or a service name gives. */
export class Switchboard implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => {
    const upstream = connect(this.target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.pipe(to);
      // A side that is gone takes the other with it.
      from.on('error', () => to.destroy()).on('close', () => this.sockets.delete(from) && to.destroy());
    }
  });

  private constructor(private target: number) {}

  static async to(port: number): Promise<Switchboard> {
    const board = new Switchboard(port);
    board.server.listen(0, '127.0.0.1');
    await once(board.server, 'listening');
    return board;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${(this.server.address() as { port: number }).port}/postgres`;
  }

  /** New connections reach `port`; those open now are cut. */
  turnTo(port: number): void {
    this.target = port;
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}
