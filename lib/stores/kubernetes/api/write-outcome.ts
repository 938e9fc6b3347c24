import type { WriteOutcome } from '../../../election/lease-store.js';
import { LeaseStoreError } from '../../../election/errors.js';
import { retryAfterOf } from './api-status.js';
import { missingNamespace, statusOf } from './status.js';
import type { Answer } from './transport.js';

/** Answers after which the request has certainly done nothing. 408 is not among them: a proxy gives it after forwarding. */
const REFUSALS = new Set([400, 401, 403, 404, 405, 406, 410, 411, 413, 415, 422, 429]);

/** What an answer other than success says about a write. `error` explains it. */
export function outcomeOf(answer: Answer, error: LeaseStoreError): WriteOutcome {
  const status = statusOf(answer);
  if (answer.status === 409) return { kind: 'conflict' };
  // Deleted meanwhile: as changed as can be. A missing namespace is no such thing: no retry brings it back.
  if (answer.status === 404 && status?.details?.kind === 'leases' && !missingNamespace(status))
    return { kind: 'conflict' };
  // A refusal is no word about the sending before it, not even one for good reason: a server that boots or is upgraded judges the same
  // request otherwise than the one that applied it. (A conflict needs no such care: the election reads and recognises its own write.)
  if (REFUSALS.has(answer.status) && !answer.repeated)
    return { kind: 'rejected', cause: error, retryAfter: retryAfterOf(answer) };
  return { kind: 'unknown', cause: error };
}
