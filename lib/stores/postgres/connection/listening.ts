import { LeaseStoreError } from '../../../election/errors.js';
import type { PgLooseClient, PgPool } from '../options.js';

/** What a `pg.Pool` is, beside what its types say. */
interface ClientFactory {
  Client?: new (options: object) => PgLooseClient;
  options?: { password?: unknown; connectionTimeoutMillis?: number };
}

/** A connection of its own, made as the pool makes its: waiting for news on one of the pool's would take that away from others. */
export async function clientBeside(pool: PgPool): Promise<PgLooseClient> {
  const { Client, options } = pool as ClientFactory;
  if (!Client || !options) {
    throw new LeaseStoreError('STORE_FAILED', 'postgresLease: this pool does not show how it makes connections.', {
      advice: 'Give a pg.Pool, or listen: false.',
    });
  }
  return new Client({
    ...options,
    // The pool hides it from enumeration, and so from the line above.
    password: options.password,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: options.connectionTimeoutMillis || 10_000,
  });
}
