import { createHash } from 'node:crypto';
import { literal, type PostgresNames } from './names.js';
import type { LeaseKey } from './statements.js';

/** Names of channels end at 63 bytes, those of leases do not. Not MD5: hardened systems have none. */
const PREFIX = 'nestjs_leader_';
const LENGTH = 32;

/** The channel that changes of one lease are told on. */
export function channelOf({ lease }: PostgresNames, { namespace, name }: LeaseKey): string {
  return PREFIX + createHash('sha256').update(`${lease} ${namespace}/${name}`).digest('hex').slice(0, LENGTH);
}

/** The same as an expression of SQL. */
export function channelSql({ lease }: PostgresNames, namespace: string, name: string): string {
  const text = `${literal(`${lease} `)} || ${namespace} || '/' || ${name}`;
  return `${literal(PREFIX)} || left(encode(sha256(convert_to(${text}, 'UTF8')), 'hex'), ${LENGTH})`;
}
