import type { Agent } from 'node:https';

/** Where the API server is and what opens it, at this moment: tokens, certificates and CAs rotate. */
export interface Connection {
  readonly protocol: 'https:' | 'http:';
  readonly host: string;
  readonly port: number;
  /** Goes before every path: clusters behind a gateway live under one. No slash at its end. */
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: TlsIdentity;
  /** The way through a proxy. Absent: straight. */
  readonly proxy?: Agent;
}

export interface TlsIdentity {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** What leads to the same server under the same identity of TLS. The way there, a proxy, is no part of it. */
export function doorOf({ protocol, host, port, tls }: Connection): string {
  const { servername, rejectUnauthorized, ca, cert, key } = tls;
  return JSON.stringify([protocol, host, port, servername, rejectUnauthorized, ...[ca, cert, key].map(String)]);
}

/** A Pod, as the API server itself names it. */
export interface PodIdentity {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
}

/** A source of connections. Rejects with a LeaseStoreError that names the file or setting at fault. */
export interface Credentials {
  /** Begins what may take longer than the first request can wait for: a library to load. Never fails. */
  prepare?(): void;
  connection(signal: AbortSignal): Promise<Connection>;
  /** The API server took them. */
  trust(connection: Connection): void;
  /** Refused by the API server (`isSure`), or TLS failed with it: the next connection is read afresh. */
  distrust(connection: Connection, isSure: boolean): void;
  /** The Pod that the credentials were given to; `null`: none. Absent: these never belong to a Pod. */
  pod?(): Promise<PodIdentity | null>;
  /** The name of that Pod, at once; `undefined` where it cannot be told. */
  readonly podName?: string;
  /** Namespace of leases that name none. */
  namespace(signal: AbortSignal): Promise<string>;
}
