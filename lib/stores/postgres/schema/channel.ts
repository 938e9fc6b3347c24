import { createHash } from 'node:crypto';
import { literal, type PostgresNames } from './names.js';
import type { LeaseKey } from './statements.js';

/** Names of channels end at 63 bytes, those of leases do not. Not MD5: hardened systems have none. */
const PREFIX = 'nestjs_leader_';
const LENGTH = 32;

/**
 * What would let two leases have one channel: `prod` with `orders/worker`, and `prod/orders` with `worker`. Names without these two signs
 * keep the channel that tables of earlier versions tell them on.
 */
const ESCAPES = [
  ['%', '%25'],
  ['/', '%2F'],
] as const;

/** The channel that changes of one lease are told on. */
export function channelOf({ lease }: PostgresNames, { namespace, name }: LeaseKey): string {
  const text = `${lease} ${escaped(namespace)}/${escaped(name)}`;
  return PREFIX + createHash('sha256').update(text).digest('hex').slice(0, LENGTH);
}

/** The same as an expression of SQL. */
export function channelSql({ lease }: PostgresNames, namespace: string, name: string): string {
  const text = `${literal(`${lease} `)} || ${escapedSql(namespace)} || '/' || ${escapedSql(name)}`;
  return `${literal(PREFIX)} || left(encode(sha256(convert_to(${text}, 'UTF8')), 'hex'), ${LENGTH})`;
}

function escaped(name: string): string {
  return ESCAPES.reduce((text, [sign, escape]) => text.replaceAll(sign, escape), name);
}

function escapedSql(name: string): string {
  return ESCAPES.reduce((text, [sign, escape]) => `replace(${text}, ${literal(sign)}, ${literal(escape)})`, name);
}
