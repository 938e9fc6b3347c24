import { LeaderElectionConfigError } from '../../election/errors.js';

/** Everything that the store keeps in the database, as quoted and qualified identifiers. */
export interface PostgresNames {
  readonly schema: string;
  readonly lease: string;
  readonly fence: string;
  readonly revision: string;
  readonly timeline: string;
  readonly epoch: string;
  readonly token: string;
  readonly version: string;
  readonly state: string;
  readonly stamp: string;
  readonly announce: string;
  readonly bury: string;
}

/** Postgres cuts identifiers at 63 bytes, silently: two long table names would share their functions. */
const LONGEST_TABLE_NAME = 63 - '_timeline'.length;

/** @throws LeaderElectionConfigError when a name cannot be an identifier */
export function postgresNames({ schema = 'public', table = 'leader_lease' }: { schema?: string; table?: string } = {}) {
  check('schema', schema, 63);
  check('table', table, LONGEST_TABLE_NAME);
  const named = (suffix: string) => `${identifier(schema)}.${identifier(table + suffix)}`;
  return {
    schema: identifier(schema),
    lease: named(''),
    fence: named('_fence'),
    revision: named('_revision'),
    timeline: named('_timeline'),
    epoch: named('_epoch'),
    token: named('_token'),
    version: named('_version'),
    state: named('_state'),
    stamp: named('_stamp'),
    announce: named('_announce'),
    bury: named('_bury'),
  } satisfies PostgresNames;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function check(what: string, name: string, longest: number): void {
  const length = Buffer.byteLength(name);
  // Backslash and dollar mean something inside the literals and dollar quotes of the set-up statement.
  if (length === 0 || length > longest || /[\0\\$]/.test(name)) {
    throw new LeaderElectionConfigError(
      `postgresLease: ${what} ${JSON.stringify(name)} is no usable name.`,
      `Use 1 to ${longest} bytes without "$", "\\" and NUL.`,
    );
  }
}
