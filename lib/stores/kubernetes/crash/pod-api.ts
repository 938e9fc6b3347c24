import type { IncomingMessage } from 'node:http';
import type { LeaseStoreError } from '../../../election/errors.js';
import type { ApiClient } from '../api/api-client.js';
import { answerError } from '../api/api-status.js';
import { lines } from '../api/lines.js';
import { parseJson } from '../api/status.js';
import { NoAnswer, readAnswer, type Answer } from '../api/transport.js';
import type { Incarnation } from './incarnation.js';
import type { PodObject } from './proof-of-death.js';

/** Seconds after which the API server ends a watch by itself. */
const LIFETIME = 300;
/** Milliseconds without a word after which the connection counts as dead. Above the minute between two bookmarks. */
const SILENCE = 90_000;

type Where = Pick<Incarnation, 'namespace' | 'pod'>;

/** One Pod as it is, and every state that follows, until the API server ends the watch or it breaks. */
export async function* watchPod(client: ApiClient, where: Where, signal: AbortSignal): AsyncGenerator<PodObject> {
  const { items, version } = await list(client, where, signal);
  yield* items;
  const attempt = new AbortController();
  const timer = setTimeout(() => attempt.abort(new Error('the watch of a Pod was silent')), SILENCE);
  try {
    const both = AbortSignal.any([signal, attempt.signal]);
    const query = `watch=1&${only(where)}&allowWatchBookmarks=true&timeoutSeconds=${LIFETIME}&resourceVersion=${version}`;
    const response = await open(client, { ...where, query }, both);
    response.setEncoding('utf8');
    for await (const line of lines(response as AsyncIterable<string>)) {
      timer.refresh();
      const event = parseJson(line) as { type?: unknown; object?: PodObject } | undefined;
      if (event?.type === 'ERROR' || event?.object === undefined) return;
      if (event.type !== 'BOOKMARK') yield event.object;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function open(
  client: ApiClient,
  { namespace, pod, query }: Where & { query: string },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const path = `${podsOf(namespace)}?${query}`;
  const response = await client.stream({ method: 'GET', path }, signal).catch(NoAnswer.unwrap);
  if (response.statusCode === 200) return response;
  throw refused(await readAnswer(response), 'watch', { namespace, pod });
}

async function list(
  client: ApiClient,
  where: Where,
  signal: AbortSignal,
): Promise<{ items: readonly PodObject[]; version: string }> {
  const path = `${podsOf(where.namespace)}?${only(where)}`;
  const answer = await client.call({ method: 'GET', path }, signal).catch(NoAnswer.unwrap);
  const found = answer.status === 200 ? (parseJson(answer.body) as PodList | undefined) : undefined;
  if (found?.kind !== 'PodList' || typeof found.metadata?.resourceVersion !== 'string')
    throw refused(answer, 'list', where);
  return { items: found.items ?? [], version: found.metadata.resourceVersion };
}

function refused(answer: Answer, verb: string, { namespace, pod }: Where): LeaseStoreError {
  return answerError(answer, { group: '', resource: 'pods', verb, name: pod, namespace });
}

function podsOf(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
}

function only({ pod }: Where): string {
  return `fieldSelector=${encodeURIComponent(`metadata.name=${pod}`)}`;
}

interface PodList {
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: unknown };
  readonly items?: readonly PodObject[];
}
