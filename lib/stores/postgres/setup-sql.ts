import { channelSql } from './channel.js';
import { identifier, literal, postgresNames } from './names.js';

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
 * The one statement that creates what the store keeps in the database, for teams whose application role may not create: put it in a
 * migration. Does nothing where the table is there. Several may run it at once.
 * @throws LeaderElectionConfigError when a name cannot be an identifier
 */
export function postgresLeaseSql({ schema, table, grantTo }: PostgresLeaseSqlOptions = {}): string {
  const db = postgresNames({ schema, table });
  // One statement in one block: pooled connections and prepared statements carry no transaction over several.
  return `DO $setup$
BEGIN
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
    ${readers(db)}
    ${writers(db)}
  END IF;${grantTo === undefined ? '' : grants(db, identifier(grantTo))}
END
$setup$`;
}

type Names = ReturnType<typeof postgresNames>;

function tables(db: Names): string {
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
    );`;
}

/** Functions that tell a row to the outside: token and version are seen in the light of the server's present timeline. */
function readers(db: Names): string {
  return `-- Of the control file's own view (pg_control_checkpoint) it is known to lag behind a promotion by seconds.
    CREATE OR REPLACE FUNCTION ${db.timeline}() RETURNS integer LANGUAGE plpgsql STABLE AS $fn$
    BEGIN
      RETURN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
    EXCEPTION WHEN feature_not_supported OR object_not_in_prerequisite_state OR insufficient_privilege THEN
      -- A server that hides its log (Aurora) fails over on shared storage and loses nothing; a standby is refused by its reader.
      RETURN 0;
    END $fn$;
    -- Each timeline gets a number of its own that only grows, also where pg_upgrade begins again at timeline 1.
    CREATE OR REPLACE FUNCTION ${db.epoch}(l ${db.lease}) RETURNS bigint LANGUAGE sql STABLE AS $fn$
      SELECT CASE WHEN l.timeline = t THEN l.epoch ELSE greatest(l.epoch + 1, t) END FROM ${db.timeline}() AS t
    $fn$;
    CREATE OR REPLACE FUNCTION ${db.token}(l ${db.lease}) RETURNS bigint LANGUAGE sql STABLE AS $fn$
      SELECT (${db.epoch}(l) << 40) + l.revision
    $fn$;
    -- A failover may lose revisions and give them out again: on another timeline they are other versions.
    CREATE OR REPLACE FUNCTION ${db.version}(l ${db.lease}) RETURNS text LANGUAGE sql STABLE AS $fn$
      SELECT ${db.epoch}(l) || '.' || l.revision
    $fn$;
    CREATE OR REPLACE FUNCTION ${db.state}(l ${db.lease}) RETURNS text LANGUAGE sql STABLE AS $fn$
      SELECT json_build_object('deleted', l.deleted, 'token', ${db.token}(l)::text, 'version', ${db.version}(l),
        'uid', l.uid || '.' || ${db.epoch}(l), 'holder', l.holder, 'duration', l.duration_ms,
        'acquiredAt', extract(epoch FROM l.acquired_at) * 1000, 'renewedAt', extract(epoch FROM l.renewed_at) * 1000,
        'transitions', l.transitions, 'term', l.term, 'writeId', l.write_id)::text
    $fn$;`;
}

function writers(db: Names): string {
  return `CREATE OR REPLACE FUNCTION ${db.stamp}() RETURNS trigger LANGUAGE plpgsql AS $fn$
    BEGIN
      -- A crash may take back what was acknowledged with this off, and hand out its revision again.
      IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
      END IF;
      NEW.revision := nextval(${literal(db.revision)});
      NEW.timeline := ${db.timeline}();
      NEW.written_at := clock_timestamp();
      IF TG_OP = 'INSERT' THEN
        NEW.epoch := greatest(NEW.epoch, NEW.timeline);
        RETURN NEW;
      END IF;
      NEW.epoch := ${db.epoch}(OLD);
      IF OLD.deleted AND NOT NEW.deleted THEN
        NEW.uid := gen_random_uuid();
      END IF;
      -- Written by hand: what marks a write or a release of a replica's own does not hold for it.
      IF NEW.write_id IS NOT DISTINCT FROM OLD.write_id AND (NEW.holder, NEW.acquired_at, NEW.renewed_at, NEW.transitions)
          IS DISTINCT FROM (OLD.holder, OLD.acquired_at, OLD.renewed_at, OLD.transitions) THEN
        NEW.term := NULL;
        NEW.write_id := NULL;
      END IF;
      RETURN NEW;
    END $fn$;
    CREATE OR REPLACE FUNCTION ${db.announce}() RETURNS trigger LANGUAGE plpgsql AS $fn$
    DECLARE
      state text := ${db.state}(NEW);
    BEGIN
      -- Too long for a notification: an empty one makes the listener read.
      PERFORM pg_notify(${channelSql(db, 'NEW.namespace', 'NEW.name')},
        CASE WHEN octet_length(state) < 7900 THEN state ELSE '' END);
      RETURN NULL;
    END $fn$;
    -- Something must remember how far an absent lease has come.
    CREATE OR REPLACE FUNCTION ${db.bury}() RETURNS trigger LANGUAGE plpgsql AS $fn$
    BEGIN
      INSERT INTO ${db.lease} (namespace, name, deleted, epoch) VALUES (OLD.namespace, OLD.name, true, ${db.epoch}(OLD));
      RETURN NULL;
    END $fn$;
    CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON ${db.lease} FOR EACH ROW EXECUTE FUNCTION ${db.stamp}();
    CREATE TRIGGER announce AFTER INSERT OR UPDATE ON ${db.lease} FOR EACH ROW EXECUTE FUNCTION ${db.announce}();
    CREATE TRIGGER bury AFTER DELETE ON ${db.lease} FOR EACH ROW WHEN (NOT OLD.deleted) EXECUTE FUNCTION ${db.bury}();`;
}

/** The least: no DELETE, no TRUNCATE, nothing on other tables. */
function grants(db: Names, role: string): string {
  const row = `(${db.lease})`;
  return `
  GRANT USAGE ON SCHEMA ${db.schema} TO ${role};
  GRANT SELECT, INSERT, UPDATE ON ${db.lease}, ${db.fence} TO ${role};
  GRANT USAGE ON SEQUENCE ${db.revision} TO ${role};
  GRANT EXECUTE ON FUNCTION ${db.timeline}(), ${db.epoch}${row}, ${db.token}${row}, ${db.version}${row}, ${db.state}${row} TO ${role};`;
}
