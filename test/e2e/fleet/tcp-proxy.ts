import { type Server, type Socket, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The wire between one replica and the API server, with faults. Bytes that wait during a freeze are delivered afterwards,
 * as a healed network delivers retransmissions: a write may land long after its sender gave up.
 */
export class TcpProxy {
  private readonly pairs = new Set<[Socket, Socket]>();
  private readonly frozen = new Set<Socket>();
  private refusing = false;
  private freezing = false;
  private latency = 0;
  /** That arrived from either end, TLS and all. */
  bytes = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    server.on('connection', (client) => this.accept(client));
  }

  static async to(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TcpProxy(server, { host: hostname, port: Number(port) });
  }

  get url(): string {
    return `https://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  /** Open connections, as the replica holds them. */
  get connections(): number {
    return this.pairs.size;
  }

  /** Nothing passes any more, on no connection, and nobody is told: a network partition. */
  freeze(): void {
    this.freezing = true;
    this.freezeEstablished();
  }

  /** The connections open now go silent for good while new ones work: a NAT or a load balancer that forgot them. */
  freezeEstablished(): void {
    for (const sockets of this.pairs) for (const socket of sockets) this.frozen.add(socket.pause());
  }

  /** Resets every connection and refuses new ones: the API server is down. */
  cut(): void {
    this.refusing = true;
    this.reset();
  }

  /** Resets every connection; new ones are welcome. */
  reset(): void {
    for (const [client, upstream] of this.pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Holds every chunk back for `latency` ms in each direction, from now on. */
  delay(latency: number): void {
    this.latency = latency;
  }

  heal(): void {
    this.refusing = this.freezing = false;
    this.latency = 0;
    for (const socket of this.frozen) socket.resume();
    this.frozen.clear();
    for (const pair of this.pairs) if (pair.some((end) => end.destroyed)) for (const end of pair) end.destroy();
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    if (this.refusing) return void client.resetAndDestroy();
    const upstream = connect(this.target);
    const pair: [Socket, Socket] = [client, upstream];
    this.pairs.add(pair);
    this.carry(client, upstream);
    this.carry(upstream, client);
    for (const socket of pair) {
      // Resets are this proxy's business; the replicas see and report them.
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        // The peer behind a freeze must not learn that the other end has gone: no packet gets through.
        if (pair.some((end) => this.frozen.has(end)) && !pair.every((end) => end.destroyed)) return;
        this.pairs.delete(pair);
        for (const end of pair) {
          this.frozen.delete(end);
          end.destroy();
        }
      });
      if (this.freezing) this.frozen.add(socket.pause());
    }
  }

  private carry(from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('data', (chunk) => {
      this.bytes += chunk.length;
      void this.pass(chunk, to);
    });
  }

  private async pass(chunk: Buffer, to: Socket): Promise<void> {
    if (this.latency > 0) await sleep(this.latency);
    if (to.writable) to.write(chunk);
  }
}
