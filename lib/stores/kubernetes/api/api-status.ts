import { LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import { refusalOf, RETRIED, type Attempted } from './refusals.js';
import { parseJson, statusOf } from './status.js';
import type { Answer } from './transport.js';

/**
 * What an unwelcome answer means, who gave it, and what to do about it. Where the request made no difference to it the message names
 * none: one cause would otherwise be told once for reading, once for watching and once for whatever else is asked meanwhile.
 */
export function answerError(answer: Answer, attempted: Attempted): LeaseStoreError {
  const status = statusOf(answer);
  const { code, who, advice, isForAll } = refusalOf(answer, status, attempted);
  const said =
    typeof status?.message === 'string' && status.message !== '' ? quoted(status.message, 500) : excerpt(answer);
  const what = isForAll
    ? `answers HTTP ${answer.status}: ${said}`
    : `refuses to ${attempted.verb} ${attempted.resource} in namespace "${quoted(attempted.namespace)}": HTTP ${answer.status}, ${said}`;
  return new LeaseStoreError(code, sentence(`${who} ${what}`), { advice, retryAfter: retryAfterOf(answer) });
}

/** A 2xx whose body is not what was asked for. */
export function badAnswerError(answer: Answer, attempted: Attempted): LeaseStoreError {
  const body = parseJson(answer.body) as { kind?: unknown } | undefined;
  if (typeof body?.kind !== 'string') {
    return new LeaseStoreError(
      'STORE_BAD_DATA',
      `Something before the API server answers HTTP ${answer.status} in its place: ${excerpt(answer)}.`,
      { advice: `A proxy or a login page stands in the way: name an address that leads past it. ${RETRIED}` },
    );
  }
  return new LeaseStoreError(
    'STORE_BAD_DATA',
    `${attempted.verb} ${attempted.resource} in namespace "${quoted(attempted.namespace)}": HTTP ${answer.status} with something else than asked for: ${excerpt(answer)}.`,
    {
      advice:
        'An admission webhook or a proxy changes what is written, or what the API server says: find and exempt it.',
    },
  );
}

/** `Retry-After` in milliseconds; seconds or a date on the wire. An event of a watch has no headers: its `Status` says the same. */
export function retryAfterOf(answer: Answer): number | undefined {
  // Somebody else was faster, which says nothing of being busy.
  if (answer.status === 409) return undefined;
  const asked = answer.headers['retry-after'] ?? statusOf(answer)?.details?.retryAfterSeconds;
  if (asked === undefined) return undefined;
  const ms = /^\d+$/.test(String(asked)) ? Number(asked) * 1000 : Date.parse(String(asked)) - Date.now();
  return ms >= 0 ? ms : undefined;
}

/** Whether the object is refused for the size of its annotations: its own, or that of all. */
export function isForAnnotations(answer: Answer): boolean {
  if (answer.status !== 422) return false;
  const status = statusOf(answer);
  return (
    /metadata\.annotations: Too long/i.test(status?.message ?? '') ||
    Boolean(
      status?.details?.causes?.some(
        ({ reason, field }) => reason === 'FieldValueTooLong' && field === 'metadata.annotations',
      ),
    )
  );
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Of a page what a browser would show: people recognise that. */
function excerpt({ body, headers }: Answer): string {
  const isPage = /html/i.test(headers['content-type'] ?? '') || /^\s*<(!doctype|html)/i.test(body);
  const start = body.slice(0, 10_000);
  const shown = isPage ? start.replace(/<(style|script)[^]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ') : start;
  return `"${quoted(shown.replace(/\s+/g, ' ').trim())}"`;
}
