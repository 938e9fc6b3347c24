import { LeaseStoreError } from '../../../election/errors.js';
import { identifier } from '../schema/names.js';
import type { PgLooseClient, PostgresRow } from '../options.js';

export interface ConnectionEvents {
  notified(channel: string, payload: string): void;
  /** Once, and not after `close()`. */
  lost(cause: unknown): void;
}

/** After this long without a word the connection has to prove that it is alive. */
const SILENCE = 10_000;
const PATIENCE = 5_000;

/** Between this connection and the server a pooler hands out server connections at will: notifications go to whoever has one. */
export class PooledConnectionError extends LeaseStoreError {
  constructor() {
    super('STORE_FAILED', 'Postgres: LISTEN does not work through a connection pooler.', {
      advice: 'Give listen: false to postgresLease(), or connect to the server itself or to a pooler in session mode.',
    });
  }
}

/** A connection that only listens. A TCP connection may die without a word; this one notices. */
export class ListenConnection {
  private heard = true;
  private over = false;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly client: PgLooseClient,
    private readonly events: ConnectionEvents,
  ) {}

  /** @throws PooledConnectionError, LeaseStoreError, or what the driver throws */
  static async open(client: PgLooseClient, events: ConnectionEvents): Promise<ListenConnection> {
    const connection = new ListenConnection(client, events);
    try {
      await connection.begin();
      return connection;
    } catch (cause) {
      connection.close();
      throw cause;
    }
  }

  /** Resolves when the server listens, which also proves that the connection is alive. */
  async listen(channel: string): Promise<void> {
    await this.ask(`LISTEN ${identifier(channel)}`);
  }

  async unlisten(channel: string): Promise<void> {
    await this.ask(`UNLISTEN ${identifier(channel)}`);
  }

  close(): void {
    this.over = true;
    clearInterval(this.timer);
    // It is gone either way, and nobody waits for the farewell.
    this.client.end().catch(() => {});
  }

  private async begin(): Promise<void> {
    const { client, events } = this;
    client.on('error', (cause) => this.lose(cause));
    client.on('end', () => this.lose(new Error('The connection ended.')));
    client.on('notification', (message) => {
      this.heard = true;
      const { channel, payload = '' } = message as { channel: string; payload?: string };
      events.notified(channel, payload);
    });
    await client.connect();
    const [row] = await this.ask('SELECT pg_catalog.pg_backend_pid()::pg_catalog.text AS pid');
    if (client.processID != null && row?.pid !== String(client.processID)) throw new PooledConnectionError();

    this.timer = setInterval(() => void this.beat(), SILENCE);
  }

  private async beat(): Promise<void> {
    if (!this.heard) {
      // An empty query makes the round trip and is no statement. A failure of it is told by ask().
      await this.ask('').catch(() => {});
    }
    this.heard = false;
  }

  private async ask(sql: string): Promise<PostgresRow[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const cause = new LeaseStoreError(
          'STORE_TIMEOUT',
          `Postgres: the listening connection is silent for ${PATIENCE} ms.`,
          {
            advice: 'Look at the network to the server. The watch is reopened by itself.',
          },
        );
        this.lose(cause);
        reject(cause);
      }, PATIENCE);
    });
    const answer = this.client.query(sql);
    return Promise.race([answer, late])
      .then(({ rows }) => rows)
      .finally(() => clearTimeout(timer));
  }

  private lose(cause: unknown): void {
    if (!this.over) {
      this.close();
      this.events.lost(cause);
    }
  }
}
