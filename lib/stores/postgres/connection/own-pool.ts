import { LeaseStoreError } from '../../../election/errors.js';
import type { PgConnectionOptions, PgLooseClient, PgPool } from '../options.js';
import type { OwnConnections } from './own-connections.js';

export interface OwnPool {
  get(): Promise<PgPool>;
  /** Idempotent. */
  end(): Promise<void>;
}

/** A pool that is made when first needed: only then is `pg` imported. */
export function ownPool(connection: string | PgConnectionOptions, connections: OwnConnections): OwnPool {
  const options = typeof connection === 'string' ? { connectionString: connection } : connection;
  let made: Promise<PgPool> | undefined;
  let ended = false;
  return {
    get() {
      if (ended) {
        return Promise.reject(
          new LeaseStoreError('STORE_FAILED', 'This postgresLease() is closed.', { advice: 'Make a new one.' }),
        );
      }
      return (made ??= importPg().then(({ Client, Pool }): PgPool => {
        const pool = new Pool({
          // The pool tells of a connection only once it stands.
          Client: class extends Client {
            constructor(config?: ConstructorParameters<typeof Client>[0]) {
              super(config);
              connections.adopt(this as PgLooseClient);
            }
          },
          application_name: 'nestjs-leader',
          // A few elections may ask at once; one has one request under way at a time.
          max: 4,
          // A standby that has to connect first takes over later.
          min: 1,
          keepAlive: true,
          keepAliveInitialDelayMillis: 10_000,
          // A connection that never comes about would occupy its place in the pool forever.
          connectionTimeoutMillis: 10_000,
          ...options,
        });
        // A server that restarts ends idle connections, and an 'error' that nobody hears ends the process.
        pool.on('error', () => {});
        return pool;
      }));
    },
    async end() {
      if (!ended) {
        ended = true;
        await made?.then((pool) => pool.end());
      }
    },
  };
}

async function importPg() {
  try {
    const pg = await import('pg');
    // `require()` gives it bare.
    return pg.default ?? pg;
  } catch (cause) {
    throw new LeaseStoreError('STORE_FAILED', 'postgresLease({ connection }) needs the package "pg".', {
      advice: 'npm install pg, or give your own pool or client.',
      cause,
    });
  }
}
