import type { PgPoolClient } from '../options.js';

/** Of recent versions of `pg`: what the server said last about the transaction that the connection is in. */
interface KnowsTransaction {
  getTransactionStatus?(): string | null;
}

/** Whether a transaction is open on this connection, as far as the driver can tell: a BEGIN may still be on its way. */
export function isInsideTransaction(client: PgPoolClient): boolean {
  const status = (client as KnowsTransaction).getTransactionStatus?.();
  return status === 'T' || status === 'E';
}

/** Refusals that may be due to what the application has set on the connection: a role, a timeout, read-only, triggers switched off. */
export const DUE_TO_SETTINGS = new Set(['42501', '25006', '55000', '55P03', '57014']);

/** One row, `altered`: whether the session is not as the server began it. */
export const IS_ALTERED = `SELECT (current_user OPERATOR(pg_catalog.<>) session_user OR EXISTS (
  SELECT FROM pg_catalog.pg_settings AS s WHERE s.setting OPERATOR(pg_catalog.<>) s.reset_val AND s.name OPERATOR(pg_catalog.=) ANY (ARRAY[
    'default_transaction_read_only', 'session_replication_role', 'statement_timeout', 'lock_timeout', 'transaction_timeout'
  ]::pg_catalog.text[])
) OR EXISTS (
  SELECT FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS own JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) own.usesysid
  WHERE r.rolname OPERATOR(pg_catalog.<>) session_user
))::pg_catalog.text AS altered`;
