import type { PgLooseClient } from '../options.js';

/** What a server gets to close a connection in good order; one that has fallen silent never does. */
const FAREWELL = 1_000;

/** What `pg` keeps of a connection. */
interface Cuttable {
  connection?: { stream?: { destroy(): void } };
}

/**
 * The connections that the store opened itself, and must not leave behind: each holds the process for as long as the server does not
 * close its end.
 */
export class OwnConnections {
  private readonly ends = new Map<PgLooseClient, Promise<void>>();

  /** Before it connects. */
  adopt<T extends PgLooseClient>(client: T): T {
    const end = new Promise<void>((resolve) => {
      client.on('end', () => {
        this.ends.delete(client);
        resolve();
      });
    });
    this.ends.set(client, end);
    return client;
  }

  /** Resolves when all have ended and `farewell` is said, or have been cut after a second. */
  async ended(farewell?: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, FAREWELL)));
    await Promise.race([Promise.all([farewell, ...this.ends.values()]), enough]).finally(() => clearTimeout(timer));
    for (const client of this.ends.keys()) (client as Cuttable).connection?.stream?.destroy();
  }
}
