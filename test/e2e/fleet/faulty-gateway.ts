import { readFileSync } from 'node:fs';
import { Agent, type Server, createServer, request } from 'node:https';
import type { ClusterAccess } from '../control-plane/cluster.js';
import { CertificateAuthority } from '../control-plane/certificates.js';

/** A load balancer before the API server that ends TLS itself, and at times has nothing but a status for its clients. */
export class FaultyGateway {
  private storm: { status: number; retryAfter?: number; body: string } | null = null;
  private readonly upstream = new Agent({ keepAlive: true });
  /** Requests that got the status instead of an answer. */
  refused = 0;

  private constructor(
    private readonly server: Server,
    private readonly cluster: ClusterAccess,
    /** The authority of its certificate, PEM. */
    readonly ca: string,
  ) {}

  static async before(cluster: ClusterAccess): Promise<FaultyGateway> {
    const authority = new CertificateAuthority('nestjs-leader-e2e-gateway');
    const { key, certificate } = authority.serving(['127.0.0.1']);
    const server = createServer({ key, cert: certificate });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const gateway = new FaultyGateway(server, cluster, authority.certificate);
    gateway.serve();
    return gateway;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  /** Every request from now on gets this answer; watches that are open go on. */
  answer(status: number, body: string, retryAfter?: number): void {
    this.storm = { status, body, retryAfter };
  }

  heal(): void {
    this.storm = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.upstream.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(): void {
    const ca = readFileSync(this.cluster.caFile, 'utf8');
    this.server.on('request', (incoming, response) => {
      if (this.storm) {
        const { status, body, retryAfter } = this.storm;
        this.refused += 1;
        response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }).end(body);
        return;
      }
      const { method, headers, url } = incoming;
      const onward = request(new URL(url!, this.cluster.url), { method, headers, ca, agent: this.upstream });
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      incoming.pipe(onward);
    });
  }
}
