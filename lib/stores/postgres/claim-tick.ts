import { LeaderElectionError } from '../../election/errors.js';
import type { CronTick } from '../../election/ticks/job.js';
import type { PostgresFenceOptions } from './fence.js';
import type { PostgresClient, PostgresRow } from './options.js';
import { postgresNames } from './schema/names.js';
import { rowsOf } from './schema/statements.js';

/** How long a second run of a tick waits for the transaction of the first. */
const PATIENCE = '5s';
/** Longer than any tick is made up for in earnest. A row is needed for as long as its tick may be begun again. */
const KEPT = '90 days';

/**
 * Makes the effects of a tick happen exactly once, however often it is begun: in the transaction of those effects it writes one row for the
 * job and the instant. Commit both, or roll both back.
 *
 * @param client runs statements inside the transaction of the tick's effects
 * @param tick as the handler got it
 * @returns `false` if a transaction of this tick has been committed before: there is nothing left to do
 * @throws LeaderElectionError outside of a transaction; the error of Postgres where a transaction of the same tick has not ended after 5 s
 */
export async function claimTick(
  client: PostgresClient,
  tick: Pick<CronTick, 'name' | 'scheduledAt'>,
  options?: PostgresFenceOptions,
): Promise<boolean> {
  const { tick: table } = postgresNames(options);
  const ask = async (sql: string, params: (string | null)[] = []): Promise<readonly PostgresRow[]> => {
    const answer = await client.query(sql, params);
    return 'rows' in answer ? answer.rows : answer;
  };
  const [before] = await ask(
    `SELECT current_setting('lock_timeout') AS lock_timeout, set_config('nestjs_leader.tick', 'on', true)`,
  );
  const [within] = await ask(
    `SELECT current_setting('nestjs_leader.tick', true) AS tick, set_config('lock_timeout', $1, true)`,
    [PATIENCE],
  );
  if (within?.tick !== 'on') {
    throw new LeaderElectionError(
      'UNFENCEABLE',
      `claimTick of the job "${tick.name}" runs outside of a transaction, where it would prove nothing.`,
      'Call it on the client of the transaction that writes what the tick does, between BEGIN and COMMIT.',
    );
  }
  const instant = tick.scheduledAt.toISOString();
  // Waits where another transaction has written the same row and has not ended: which of them counts, its end tells.
  const written = await ask(
    rowsOf(
      `INSERT INTO ${table} (job, scheduled_at) VALUES ($1, $2::timestamptz) ON CONFLICT DO NOTHING RETURNING job`,
    ),
    [tick.name, instant],
  );
  await ask(
    rowsOf(`DELETE FROM ${table} WHERE job = $1 AND scheduled_at < $2::timestamptz - interval '${KEPT}' RETURNING job`),
    [tick.name, instant],
  );
  await ask(`SELECT set_config('lock_timeout', $1, true)`, [String(before?.lock_timeout ?? '0')]);
  return written.length > 0;
}
