import { channelSql } from './channel.js';
import { identifier, literal, postgresNames, roleIdentifier, type PostgresNames } from './names.js';
import { WRITE_PARAMETERS } from './statements.js';

/** Of {@link postgresLeaseSql}. */
export interface PostgresLeaseSqlOptions {
  /** Default `public`. */
  schema?: string;
  /** Default `leader_lease`. */
  table?: string;
  /** A role that gets the least that an application needs. */
  grantTo?: string;
}

/**
 * Grows with every change of the functions. It stands in a comment on one of them, which goes when the table is dropped: so an older
 * set-up, or the rest of one, is known and replaced.
 */
export const FORMAT = 3;
export const FORMAT_PREFIX = 'nestjs-leader ';

/** Revisions beyond this, and epochs beyond that, were written by hand: sums with them would not fit into a token. */
const LAST_REVISION = 2n ** 45n;
const LAST_EPOCH = 32_767;

/**
 * The one statement that creates what the store keeps in the database, for teams whose application role may not create: put it in a
 * migration. It changes nothing in a table that is there; functions of an earlier version are replaced. Several may run it at once.
 * @throws LeaderElectionConfigError when a name cannot be an identifier
 */
export function postgresLeaseSql(options: PostgresLeaseSqlOptions = {}): string {
  return setupSql(options, '');
}

/** The same for the store itself: refused inside a transaction of somebody else's, which could take it all back. */
export function ownSetupSql(options: PostgresLeaseSqlOptions): string {
  return setupSql(options, '\n  COMMIT;');
}

function setupSql({ schema, table, grantTo }: PostgresLeaseSqlOptions, guard: string): string {
  const db = postgresNames({ schema, table });
  // One statement in one block: pooled connections and prepared statements carry no transaction over several.
  const block = `
DECLARE
  path pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN${guard}
  -- What is named here is what Postgres itself means by it, whatever somebody has put into the schemas of this session.
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  -- Replicas of a first deployment arrive together, and IF NOT EXISTS alone loses that race.
  PERFORM pg_advisory_xact_lock(hashtextextended(${literal(`nestjs-leader ${db.lease}`)}, 0));
  IF to_regclass(${literal(db.lease)}) IS NULL THEN
    IF to_regnamespace(${literal(db.schema)}) IS NULL THEN
      CREATE SCHEMA ${db.schema};
    END IF;
    -- Starts at the time, so that revisions grow even if table and sequence are dropped and made anew.
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS %s START %s', ${literal(db.revision)},
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    ${tables(db)}
  ELSE
    ALTER TABLE ${db.lease} ADD COLUMN IF NOT EXISTS ledger text;
    ${tickTable(db)}
  END IF;
  IF coalesce(substring(obj_description(to_regprocedure(${literal(`${db.state}(${db.lease})`)}), 'pg_proc')
      FROM '^${FORMAT_PREFIX}([0-9]{1,9})$')::integer, 0) < ${FORMAT} THEN
    ${readers(db)}
    ${writers(db)}
    ${procedures(db)}
    COMMENT ON FUNCTION ${db.state}(${db.lease}) IS '${FORMAT_PREFIX}${FORMAT}';
  END IF;
  ${triggers(db)}${grantTo === undefined ? '' : grants(db, roleIdentifier(grantTo))}
  PERFORM set_config('search_path', path, true);
END
`;
  const tag = dollarTag(block);
  return `DO ${tag}${block}${tag}`;
}

/** A dollar quote that nothing inside it ends: the name of a role may hold one. */
function dollarTag(body: string): string {
  for (let number = 0; ; number++) {
    const tag = `$setup${number || ''}$`;
    if (!body.includes(tag)) return tag;
  }
}

/** What functions and operators a function means must not depend on who calls it. */
const PINNED = 'SET search_path = pg_catalog, pg_temp';

function tables(db: PostgresNames): string {
  return `CREATE TABLE ${db.lease} (
      namespace text NOT NULL,
      name text NOT NULL,
      holder text,
      duration_ms double precision NOT NULL DEFAULT 0,
      acquired_at timestamptz,
      renewed_at timestamptz,
      transitions bigint NOT NULL DEFAULT 0,
      term text,
      write_id text,
      ledger text,
      deleted boolean NOT NULL DEFAULT false,
      uid uuid NOT NULL DEFAULT gen_random_uuid(),
      revision bigint NOT NULL,
      timeline integer NOT NULL,
      epoch bigint NOT NULL,
      written_at timestamptz NOT NULL,
      PRIMARY KEY (namespace, name)
    ) WITH (fillfactor = 50);
    CREATE TABLE IF NOT EXISTS ${db.fence} (
      resource text PRIMARY KEY,
      token bigint NOT NULL
    );
    ${tickTable(db)}`;
}

/** Ticks whose effects are committed. */
function tickTable(db: PostgresNames): string {
  return `CREATE TABLE IF NOT EXISTS ${db.tick} (
      job text NOT NULL,
      scheduled_at timestamptz NOT NULL,
      PRIMARY KEY (job, scheduled_at)
    );`;
}

/** Functions that tell a row to the outside: token and version are seen in the light of the server's present timeline. */
function readers(db: PostgresNames): string {
  return `-- Of the control file's own view (pg_control_checkpoint) it is known to lag behind a promotion by seconds.
    CREATE OR REPLACE FUNCTION ${db.timeline}() RETURNS integer LANGUAGE plpgsql STABLE ${PINNED} AS $fn$
    BEGIN
      RETURN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
    EXCEPTION WHEN feature_not_supported OR object_not_in_prerequisite_state OR insufficient_privilege THEN
      -- A server that hides its log (Aurora) fails over on shared storage and loses nothing; a standby is refused by its reader.
      RETURN 0;
    END $fn$;
    -- Each timeline gets a number of its own that only grows, also where pg_upgrade begins again at timeline 1.
    CREATE OR REPLACE FUNCTION ${db.epoch}(l ${db.lease}) RETURNS bigint LANGUAGE sql STABLE ${PINNED} AS $fn$
      SELECT CASE WHEN l.epoch BETWEEN 0 AND ${LAST_EPOCH}
        THEN CASE WHEN l.timeline = t THEN l.epoch ELSE greatest(l.epoch + 1, t) END ELSE t END FROM ${db.timeline}() AS t
    $fn$;
    CREATE OR REPLACE FUNCTION ${db.token}(l ${db.lease}) RETURNS bigint LANGUAGE sql STABLE ${PINNED} AS $fn$
      SELECT (${db.epoch}(l) << 40) + CASE WHEN l.revision BETWEEN 0 AND ${LAST_REVISION} THEN l.revision ELSE 0 END
    $fn$;
    -- A failover may lose revisions and give them out again: on another timeline they are other versions.
    CREATE OR REPLACE FUNCTION ${db.version}(l ${db.lease}) RETURNS text LANGUAGE sql STABLE ${PINNED} AS $fn$
      SELECT ${db.epoch}(l) || '.' || l.revision
    $fn$;
    -- Numbers are told in full, whatever the session says.
    CREATE OR REPLACE FUNCTION ${db.state}(l ${db.lease}) RETURNS text LANGUAGE sql STABLE ${PINNED} SET extra_float_digits = 1 AS $fn$
      SELECT json_build_object('deleted', l.deleted, 'token', ${db.token}(l)::text, 'version', ${db.version}(l),
        'uid', l.uid || '.' || ${db.epoch}(l), 'holder', l.holder, 'duration', l.duration_ms,
        'acquiredAt', extract(epoch FROM l.acquired_at) * 1000, 'renewedAt', extract(epoch FROM l.renewed_at) * 1000,
        'transitions', l.transitions, 'term', l.term, 'writeId', l.write_id, 'ledger', l.ledger,
        'storeTime', extract(epoch FROM clock_timestamp()) * 1000)::text
    $fn$;`;
}

function writers(db: PostgresNames): string {
  return `CREATE OR REPLACE FUNCTION ${db.stamp}() RETURNS trigger LANGUAGE plpgsql ${PINNED} AS $fn$
    DECLARE
      next bigint := nextval(${literal(db.revision)});
      earlier bigint := CASE WHEN TG_OP = 'UPDATE' THEN OLD.revision ELSE NEW.revision END;
    BEGIN
      -- A crash may take back what was acknowledged with this off, and hand out its revision again.
      IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
      END IF;
      -- A row may be carried over without its sequence: logical replication takes tables only.
      IF next <= earlier AND earlier < ${LAST_REVISION} THEN
        next := earlier + 1;
        IF has_sequence_privilege(${literal(db.revision)}, 'UPDATE') THEN
          PERFORM setval(${literal(db.revision)}, next);
          PERFORM set_config('nestjs_leader.note', 'sequence moved', true);
        ELSE
          PERFORM set_config('nestjs_leader.note', 'sequence behind', true);
        END IF;
      END IF;
      NEW.revision := next;
      NEW.timeline := ${db.timeline}();
      NEW.written_at := clock_timestamp();
      IF TG_OP = 'INSERT' THEN
        NEW.epoch := greatest(CASE WHEN NEW.epoch BETWEEN 0 AND ${LAST_EPOCH} THEN NEW.epoch END, NEW.timeline);
        RETURN NEW;
      END IF;
      NEW.epoch := ${db.epoch}(OLD);
      -- Nobody's to change but by a deletion.
      NEW.uid := CASE WHEN OLD.deleted AND NOT NEW.deleted THEN gen_random_uuid() ELSE coalesce(OLD.uid, gen_random_uuid()) END;
      -- Written by hand: what marks a write or a release of a replica's own does not hold for it.
      IF NEW.write_id IS NOT DISTINCT FROM OLD.write_id AND (NEW.holder, NEW.acquired_at, NEW.renewed_at, NEW.transitions)
          IS DISTINCT FROM (OLD.holder, OLD.acquired_at, OLD.renewed_at, OLD.transitions) THEN
        NEW.term := NULL;
        NEW.write_id := NULL;
      END IF;
      RETURN NEW;
    END $fn$;
    CREATE OR REPLACE FUNCTION ${db.announce}() RETURNS trigger LANGUAGE plpgsql ${PINNED} AS $fn$
    DECLARE
      -- A ledger would soon be too long for a notification, and every standby would read at every renewal.
      told text := (${db.state}(NEW)::jsonb - 'ledger' - 'storeTime')::text;
    BEGIN
      -- A full queue refuses the transaction itself, and anybody who may connect can fill it: then standbys find out by reading.
      IF pg_notification_queue_usage() < 0.9 THEN
        -- Too long for a notification: an empty one makes the listener read.
        PERFORM pg_notify(${channelSql(db, 'NEW.namespace', 'NEW.name')},
          CASE WHEN octet_length(told) < 7900 THEN told ELSE '' END);
      END IF;
      RETURN NULL;
    END $fn$;
    -- Something must remember how far an absent lease has come.
    CREATE OR REPLACE FUNCTION ${db.bury}() RETURNS trigger LANGUAGE plpgsql ${PINNED} AS $fn$
    BEGIN
      INSERT INTO ${db.lease} (namespace, name, deleted, epoch, revision)
        VALUES (OLD.namespace, OLD.name, true, ${db.epoch}(OLD), OLD.revision);
      RETURN NULL;
    END $fn$;`;
}

/**
 * What the store calls. A procedure may say COMMIT, and is refused where that would be somebody else's: so nothing is read or written
 * inside a transaction that may be rolled back. Procedures that do so may not pin the search path: their work is in functions, which do.
 */
function procedures(db: PostgresNames): string {
  // Parameters are named in full: a column of the user's own may have the same name.
  const [looked, given] = [identifier(db.bare.look), identifier(db.bare.put)];
  const inputs = WRITE_PARAMETERS.map((parameter) => `${parameter} text`).join(', ');
  return `CREATE OR REPLACE FUNCTION ${db.look}(lease_namespace text, lease_name text, OUT standby text, OUT state text, OUT age text)
      LANGUAGE sql STABLE ${PINNED} AS $fn$
      -- An age counts on one server's clock: after a failover another has written.
      SELECT pg_is_in_recovery()::text, CASE WHEN l.name IS NOT NULL THEN ${db.state}(l) END,
        (CASE WHEN l.timeline = ${db.timeline}() AND isfinite(l.written_at)
          THEN extract(epoch FROM clock_timestamp() - l.written_at) * 1000 END)::text
      FROM (VALUES (1)) AS one (row) LEFT JOIN ${db.lease} AS l ON l.namespace = ${looked}.lease_namespace AND l.name = ${looked}.lease_name
    $fn$;
    CREATE OR REPLACE PROCEDURE ${db.read}(lease_namespace text, lease_name text, INOUT standby text, INOUT state text, INOUT age text)
      LANGUAGE plpgsql AS $fn$
    BEGIN
      COMMIT;
      SELECT seen.standby, seen.state, seen.age INTO standby, state, age FROM ${db.look}(lease_namespace, lease_name) AS seen;
    END $fn$;
    CREATE OR REPLACE FUNCTION ${db.put}(${inputs}, OUT state text, OUT note text) LANGUAGE plpgsql ${PINNED} AS $fn$
    DECLARE
      written ${db.lease}%ROWTYPE;
      idle constant text := 'The triggers of the lease table did not run.';
    BEGIN
      -- Triggers can be switched off, by the session too. Without them two versions would have one name.
      IF current_setting('session_replication_role') = 'replica' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = idle;
      END IF;
      IF ${given}.seen_version IS NOT NULL THEN
        -- The row lock makes rivals wait and look again at any isolation level.
        UPDATE ${db.lease} AS l SET holder = ${given}.new_holder, duration_ms = ${given}.new_duration::float8,
          acquired_at = to_timestamp(${given}.new_acquired_at::float8 / 1000), renewed_at = to_timestamp(${given}.new_renewed_at::float8 / 1000),
          transitions = ${given}.new_transitions::bigint, term = ${given}.new_term, write_id = ${given}.new_write_id,
          ledger = coalesce(${given}.new_ledger, l.ledger)
        WHERE l.namespace = ${given}.lease_namespace AND l.name = ${given}.lease_name AND NOT l.deleted AND ${db.version}(l) = ${given}.seen_version
        RETURNING l.* INTO written;
      ELSE
        INSERT INTO ${db.lease} AS l (namespace, name, holder, duration_ms, acquired_at, renewed_at, transitions, term, write_id, ledger)
        VALUES (${given}.lease_namespace, ${given}.lease_name, ${given}.new_holder, ${given}.new_duration::float8, to_timestamp(${given}.new_acquired_at::float8 / 1000),
          to_timestamp(${given}.new_renewed_at::float8 / 1000), ${given}.new_transitions::bigint, ${given}.new_term, ${given}.new_write_id, ${given}.new_ledger)
        ON CONFLICT (namespace, name) DO UPDATE SET deleted = false, holder = EXCLUDED.holder, duration_ms = EXCLUDED.duration_ms,
          acquired_at = EXCLUDED.acquired_at, renewed_at = EXCLUDED.renewed_at, transitions = EXCLUDED.transitions,
          term = EXCLUDED.term, write_id = EXCLUDED.write_id, ledger = EXCLUDED.ledger
        WHERE l.deleted AND ${db.token}(l) = ${given}.seen_token::bigint
        RETURNING l.* INTO written;
      END IF;
      IF NOT FOUND THEN
        RETURN;
      END IF;
      IF ${db.version}(written) = ${given}.seen_version OR (${given}.seen_version IS NULL AND ${db.token}(written)::text = ${given}.seen_token) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = idle;
      END IF;
      state := ${db.state}(written);
      note := current_setting('nestjs_leader.note', true);
    END $fn$;
    CREATE OR REPLACE PROCEDURE ${db.write}(${inputs}, INOUT state text, INOUT note text) LANGUAGE plpgsql AS $fn$
    BEGIN
      COMMIT;
      SELECT put.state, put.note INTO state, note FROM ${db.put}(${WRITE_PARAMETERS.join(', ')}) AS put;
    END $fn$;`;
}

/** By name: what stands on the table otherwise, and what they do. */
export const TRIGGERS = {
  stamp: 'BEFORE INSERT OR UPDATE',
  announce: 'AFTER INSERT OR UPDATE',
  bury: 'AFTER DELETE',
} as const;

function triggers(db: PostgresNames): string {
  return Object.entries(TRIGGERS)
    .map(([name, event]) => {
      const condition = name === 'bury' ? ' WHEN (NOT OLD.deleted)' : '';
      return `IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(${literal(db.lease)}) AND tgname = '${name}') THEN
    CREATE TRIGGER ${name} ${event} ON ${db.lease} FOR EACH ROW${condition} EXECUTE FUNCTION ${db[name as keyof typeof TRIGGERS]}();
  END IF;`;
    })
    .join('\n  ');
}

/** The least: no DELETE, no TRUNCATE, nothing on other tables. UPDATE on the sequence moves it on where it has fallen behind the rows. */
function grants(db: PostgresNames, role: string): string {
  const row = `(${db.lease})`;
  const texts = (count: number) => `(${Array<string>(count).fill('text').join(', ')})`;
  const inputs = WRITE_PARAMETERS.length;
  return `
  GRANT USAGE ON SCHEMA ${db.schema} TO ${role};
  GRANT SELECT, INSERT, UPDATE ON ${db.lease}, ${db.fence} TO ${role};
  GRANT SELECT, INSERT, DELETE ON ${db.tick} TO ${role};
  GRANT USAGE, UPDATE ON SEQUENCE ${db.revision} TO ${role};
  GRANT EXECUTE ON FUNCTION ${db.timeline}(), ${db.epoch}${row}, ${db.token}${row}, ${db.version}${row}, ${db.state}${row},
    ${db.look}${texts(2)}, ${db.put}${texts(inputs)} TO ${role};
  GRANT EXECUTE ON PROCEDURE ${db.read}${texts(5)}, ${db.write}${texts(inputs + 2)} TO ${role};`;
}
