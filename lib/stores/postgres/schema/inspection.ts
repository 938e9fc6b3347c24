import { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import { literal, type PostgresNames, type PostgresObject } from './names.js';
import { FORMAT, FORMAT_PREFIX, TRIGGERS } from './setup-sql.js';
import { WRITE_PARAMETERS, type Statement } from './statements.js';

/** What is in the database under the names of the store, and whose it is. */
interface Facts {
  /** As `pg_class` says; null: there is no such table. */
  readonly kind: string | null;
  readonly persistence: string | null;
  readonly hidesRows: boolean | null;
  readonly rewritten: boolean | null;
  readonly comment: string | null;
  readonly functions: number;
  readonly triggers: readonly { readonly name: string; readonly enabled: string; readonly ours: boolean }[];
  readonly strangers: readonly { readonly what: string; readonly name: string; readonly owner: string }[];
}

export type Finding =
  | 'absent'
  /** Set up by an earlier version. */
  | 'old'
  | 'ready';

/**
 * Asks for {@link Facts}: one row, one column `facts`. It runs before anything of that name is used, so it uses nothing that is not
 * Postgres' own: each function, type and operator is named with its schema, since the search path may lead to a stranger's.
 */
export function inspection({ bare }: PostgresNames, owner: string | undefined): Statement {
  return { sql: inspectionSql(bare, owner), params: [] };
}

/** @throws LeaseStoreError when what is there must not be used */
export function judge(facts: unknown, db: PostgresNames): Finding {
  const found = parse(facts);
  if (found.kind === null) return 'absent';

  const table = db.lease;
  if (found.kind !== 'r' && found.kind !== 'p')
    throw refused(`${table} is not a table.`, 'Give postgresLease() another table, or drop what stands there.');

  const [stranger] = found.strangers;
  if (stranger) {
    const [what, name, role] = [stranger.what, quoted(stranger.name), quoted(stranger.owner)];
    throw refused(
      `the ${what} ${name} belongs to the role ${role}, which is neither this role, nor a superuser, nor the owner of the database or the schema: its code would run with the rights of this application.`,
      `If you know ${role}, say so: postgresLease({ owner: '${role}' }), or give what it made to another role (ALTER … OWNER TO). Otherwise drop it, and let nobody create in the schema: REVOKE CREATE ON SCHEMA ${db.schema} FROM PUBLIC.`,
    );
  }
  if (found.persistence !== 'p') {
    throw refused(
      `${table} is unlogged: a crash empties it, and tokens would begin again.`,
      `ALTER TABLE ${table} SET LOGGED`,
    );
  }
  if (found.hidesRows) {
    throw refused(
      `row level security hides rows of ${table} from this role: a lease that is held could look absent.`,
      `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`,
    );
  }
  if (found.rewritten) throw refused(`a rule rewrites what is asked of ${table}.`, 'Drop the rule (pg_rules).');

  const missing = Object.keys(TRIGGERS).filter((name) => !found.triggers.some((one) => one.name === name && one.ours));
  const disabled = found.triggers.find(({ ours, enabled }) => ours && enabled !== 'O' && enabled !== 'A');
  if (disabled) {
    throw refused(
      `the trigger ${quoted(disabled.name)} of ${table} is switched off.`,
      `ALTER TABLE ${table} ENABLE TRIGGER USER`,
    );
  }
  const format = new RegExp(`^${FORMAT_PREFIX}(\\d{1,9})$`).exec(found.comment ?? '')?.[1];
  return missing.length > 0 || found.functions < FUNCTIONS.length || Number(format ?? 0) < FORMAT ? 'old' : 'ready';
}

function parse(facts: unknown): Facts {
  try {
    return JSON.parse(String(facts)) as Facts;
  } catch (cause) {
    throw new LeaseStoreError(
      'STORE_BAD_DATA',
      `Postgres told its catalog in a form that is not understood: ${quoted(facts)}`,
      {
        advice:
          'If the client is an adapter of your own: it must give column values as the driver reads them from text.',
        cause,
      },
    );
  }
}

function refused(what: string, advice: string): LeaseStoreError {
  return new LeaseStoreError('STORE_FORBIDDEN', `postgresLease will not use what it finds: ${what}`, { advice });
}

const WITHOUT_PARAMETERS: readonly PostgresObject[] = ['timeline', 'stamp', 'announce', 'bury'];
const OF_ROWS: readonly PostgresObject[] = ['epoch', 'token', 'version', 'state'];
const OF_TEXTS: readonly PostgresObject[] = ['look', 'put', 'read', 'write'];
const FUNCTIONS = [...WITHOUT_PARAMETERS, ...OF_ROWS, ...OF_TEXTS];

const EQUALS = 'OPERATOR(pg_catalog.=)';

function inspectionSql(bare: PostgresNames['bare'], owner: string | undefined): string {
  const named = (...objects: PostgresObject[]) =>
    anyOf(
      objects.map((object) => bare[object]),
      'name',
    );
  const counts = [2, 5, WRITE_PARAMETERS.length, WRITE_PARAMETERS.length + 2];
  const signatures = anyOf(
    counts.map((count) => Array<string>(count).fill('text').join(', ')),
    'text',
  );
  return `WITH RECURSIVE mine (role) AS (
  SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname ${EQUALS} current_user OR r.rolname ${EQUALS} session_user
  UNION
  SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN mine ON m.member ${EQUALS} mine.role
), place AS (
  SELECT n.oid, n.nspowner, d.datdba FROM pg_catalog.pg_namespace AS n, pg_catalog.pg_database AS d
  WHERE n.nspname ${EQUALS} ${literal(bare.schema)} AND d.datname ${EQUALS} pg_catalog.current_database()
), owners AS (
  -- Whoever can act for the owner of the database or of the schema, or for us, needs no trap. A superuser is a member of every role,
  -- and yet must not trust each: so our own memberships are looked up.
  SELECT r.oid, r.rolname, r.rolsuper OR EXISTS (SELECT FROM mine WHERE mine.role ${EQUALS} r.oid)
    OR pg_catalog.pg_has_role(r.oid, place.datdba, 'MEMBER') OR pg_catalog.pg_has_role(r.oid, place.nspowner, 'MEMBER')
    OR pg_catalog.pg_has_role(r.oid, current_user, 'MEMBER')${owner === undefined ? '' : ` OR r.rolname ${EQUALS} ${literal(owner)}`} AS trusted
  FROM pg_catalog.pg_roles AS r, place
), relations AS (
  SELECT c.* FROM pg_catalog.pg_class AS c JOIN place ON c.relnamespace ${EQUALS} place.oid
  WHERE c.relname ${named('lease', 'fence', 'tick', 'revision')}
), lease AS (
  SELECT * FROM relations WHERE relations.relname ${EQUALS} ${literal(bare.lease)}
), functions AS (
  SELECT p.oid, p.proname, p.proowner FROM pg_catalog.pg_proc AS p JOIN place ON p.pronamespace ${EQUALS} place.oid
  WHERE (p.proname ${named(...WITHOUT_PARAMETERS)} AND p.pronargs ${EQUALS} 0::pg_catalog.int2)
    OR (p.proname ${named(...OF_ROWS)} AND p.pronargs ${EQUALS} 1::pg_catalog.int2
      AND p.proargtypes[0] ${EQUALS} (SELECT lease.reltype FROM lease))
    OR (p.proname ${named(...OF_TEXTS)} AND pg_catalog.oidvectortypes(p.proargtypes) ${signatures})
), triggers AS (
  SELECT t.tgname, t.tgenabled, p.proowner, EXISTS (SELECT FROM functions WHERE functions.oid ${EQUALS} p.oid) AS ours
  FROM pg_catalog.pg_trigger AS t JOIN lease ON t.tgrelid ${EQUALS} lease.oid JOIN pg_catalog.pg_proc AS p ON p.oid ${EQUALS} t.tgfoid
  WHERE NOT t.tgisinternal
), things (what, name, owner) AS (
  SELECT 'table or sequence', relations.relname, relations.relowner FROM relations
  UNION ALL SELECT 'function', functions.proname, functions.proowner FROM functions
  UNION ALL SELECT 'function of the trigger', triggers.tgname, triggers.proowner FROM triggers
)
SELECT pg_catalog.json_build_object(
  'kind', lease.relkind::pg_catalog.text, 'persistence', lease.relpersistence::pg_catalog.text,
  'hidesRows', pg_catalog.row_security_active(lease.oid),
  'rewritten', EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class ${EQUALS} lease.oid),
  'comment', (SELECT pg_catalog.obj_description(functions.oid, 'pg_proc') FROM functions
    WHERE functions.proname ${EQUALS} ${literal(bare.state)}),
  'functions', (SELECT pg_catalog.count(*) FROM functions),
  'triggers', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', triggers.tgname,
    'enabled', triggers.tgenabled::pg_catalog.text, 'ours', triggers.ours)), '[]'::pg_catalog.json) FROM triggers),
  'strangers', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('what', things.what, 'name', things.name,
    'owner', owners.rolname)), '[]'::pg_catalog.json)
    FROM things JOIN owners ON owners.oid ${EQUALS} things.owner WHERE NOT owners.trusted)
)::pg_catalog.text AS facts
FROM (VALUES (1)) AS one (row) LEFT JOIN lease ON true`;
}

/** Equal to one of these: IN would look for its operator along the search path. */
function anyOf(texts: readonly string[], type: 'name' | 'text'): string {
  return `${EQUALS} ANY (ARRAY[${texts.map(literal).join(', ')}]::pg_catalog.${type}[])`;
}
