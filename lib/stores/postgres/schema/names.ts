import { LeaderElectionConfigError } from '../../../election/errors.js';

/** Everything that the store keeps in the database, by its bare name. */
const SUFFIXES = {
  lease: '',
  fence: '_fence',
  tick: '_tick',
  revision: '_revision',
  timeline: '_timeline',
  epoch: '_epoch',
  token: '_token',
  version: '_version',
  state: '_state',
  look: '_look',
  put: '_put',
  read: '_read',
  write: '_write',
  stamp: '_stamp',
  announce: '_announce',
  bury: '_bury',
} as const;

export type PostgresObject = keyof typeof SUFFIXES;

/** Everything that the store keeps in the database, as quoted and qualified identifiers. */
export interface PostgresNames extends Readonly<Record<PostgresObject, string>> {
  readonly schema: string;
  /** The same, neither quoted nor qualified. */
  readonly bare: Readonly<Record<PostgresObject | 'schema', string>>;
}

/** Postgres cuts identifiers at this many bytes, silently: two long table names would share their functions. */
const LONGEST_NAME = 63;
const LONGEST_TABLE_NAME = LONGEST_NAME - Math.max(...Object.values(SUFFIXES).map(({ length }) => length));

/** @throws LeaderElectionConfigError when a name cannot be an identifier */
export function postgresNames({
  schema = 'public',
  table = 'leader_lease',
}: { schema?: string; table?: string } = {}): PostgresNames {
  check('schema', schema, LONGEST_NAME);
  check('table', table, LONGEST_TABLE_NAME);
  const each = <T>(name: (suffix: string) => T) =>
    Object.fromEntries(Object.entries(SUFFIXES).map(([object, suffix]) => [object, name(suffix)])) as Record<
      PostgresObject,
      T
    >;
  return {
    ...each((suffix) => `${identifier(schema)}.${identifier(table + suffix)}`),
    schema: identifier(schema),
    bare: { ...each((suffix) => table + suffix), schema },
  };
}

/** A role as an identifier. @throws LeaderElectionConfigError when it names no role, or everybody */
export function roleIdentifier(role: string): string {
  const length = Buffer.byteLength(role);
  if (length === 0 || length > LONGEST_NAME || UNSTORABLE.test(role)) {
    throw new LeaderElectionConfigError(
      `postgresLease: role ${JSON.stringify(role)} is no usable name.`,
      `Use 1 to ${LONGEST_NAME} bytes without NUL: Postgres would cut a longer one, and mean another role.`,
    );
  }
  // Postgres takes "public" for everybody, quoted too.
  if (role === 'public' || role === 'none') {
    throw new LeaderElectionConfigError(
      `postgresLease: ${JSON.stringify(role)} is not a role: it would grant the lease to everybody, or to nobody.`,
      'Name the role that the application connects as.',
    );
  }
  return identifier(role);
}

/** @throws LeaderElectionConfigError when Postgres cannot keep the lease under this very name */
export function checkLeaseName(what: string, name: string): void {
  // An index takes no longer entries.
  if (UNSTORABLE.test(name) || Buffer.byteLength(name) > LONGEST_LEASE_NAME) {
    throw new LeaderElectionConfigError(
      `postgresLease: the ${what} ${JSON.stringify(name.slice(0, 100))} cannot be kept in Postgres.`,
      `Use at most ${LONGEST_LEASE_NAME} bytes, without NUL and unpaired surrogates: two such names would be one in the database.`,
    );
  }
}

const LONGEST_LEASE_NAME = 1_000;
/** NUL is refused by Postgres; halves of a surrogate pair all become one sign on the way. */
const UNSTORABLE = /[\0\p{Cs}]/u;

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function check(what: string, name: string, longest: number): void {
  const length = Buffer.byteLength(name);
  // Backslash and dollar mean something inside the literals and dollar quotes of the set-up statement.
  if (length === 0 || length > longest || /[\\$]/.test(name) || UNSTORABLE.test(name)) {
    throw new LeaderElectionConfigError(
      `postgresLease: ${what} ${JSON.stringify(name)} is no usable name.`,
      `Use 1 to ${longest} bytes without "$", "\\" and NUL.`,
    );
  }
}
