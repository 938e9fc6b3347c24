import { LeaderElectionError, LeaseStoreError } from '../../election/errors.js';
import { quoted } from '../../election/report/quoted.js';
import type { LeaseApi, LeaseReading } from './api/lease-api.js';
import { isToken } from './lease-object.js';
import { parseJson } from './api/status.js';
import { lines } from './api/lines.js';
import { pause } from './api/pause.js';
import { readAnswer } from './api/transport.js';

export interface WatchPatience {
  /** Milliseconds without a word after which the connection counts as dead. Above the minute between two bookmarks. */
  readonly silence: number;
  /** Seconds after which the server ends a watch by itself; spread, so that standbys do not come back in one crowd. */
  readonly lifetime: () => number;
  /** Milliseconds before reopening a watch that the server ended. */
  readonly pause: () => number;
  /** Milliseconds for which a watch must have lasted to be reopened here. Others are the election's to pace: it backs off. */
  readonly steady: number;
}

export const PATIENCE: WatchPatience = {
  silence: 90_000,
  lifetime: () => Math.round(300 + 300 * Math.random()),
  pause: () => 200 * Math.random(),
  steady: 10_000,
};

interface WatchEvent {
  readonly type?: unknown;
  readonly object?: {
    readonly message?: unknown;
    readonly code?: unknown;
    readonly metadata?: { readonly resourceVersion?: unknown };
  };
}

/**
 * What the lease says, from now on. Goes on across the server's own timeouts. Throws at everything else, ends where a watch did not
 * last, and when `signal` aborts.
 */
export async function* watchLease(
  api: LeaseApi,
  signal: AbortSignal,
  patience = PATIENCE,
): AsyncGenerator<LeaseReading> {
  try {
    const first = await begin(api, signal);
    yield first;
    // A server that lags behind replays old events; they would reset what the election measures.
    let newest = BigInt(first.resourceVersion ?? 0);
    let from = first.watchFrom;
    for (let mayBeginAnew = !first.listed; ; await pause(patience.pause(), signal)) {
      const openedAt = performance.now();
      let isExpired = false;
      for await (const { type, object } of events(api, from, signal, patience)) {
        isExpired = type === 'ERROR' && object?.code === 410 && mayBeginAnew && from !== undefined;
        if (isExpired) break;
        const version = object?.metadata?.resourceVersion;
        if (type === 'ERROR') throw eventError(api, object);
        if (!isToken(version)) throw watchError(api, type, 'without a version that can be compared');
        if (from === undefined) await confirm(api, version, signal);
        from = version;
        if (type === 'BOOKMARK' || BigInt(version) <= newest) continue;
        newest = BigInt(version);
        if (type === 'DELETED') yield { lease: null, resourceVersion: version };
        else if (api.isThis(object)) yield { lease: object, resourceVersion: version };
        else throw watchError(api, type, 'not the Lease that was asked for');
      }
      if (signal.aborted) return;
      if (isExpired) {
        // Once: a server that calls everything too old would be asked again and again.
        from = undefined;
        mayBeginAnew = false;
        continue;
      }
      if (performance.now() - openedAt < patience.steady) return;
      mayBeginAnew = !first.listed;
      // The server begins at `from`; versions of before say nothing where it has been restored meanwhile.
      newest = 0n;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof LeaderElectionError ? error : watchError(api, 'it broke', error);
  }
}

/**
 * A list gives a fresh version to watch from; what the lease says comes from a get, which etcd itself answers. Where a list is
 * forbidden, the Lease's own version has to do; once that is compacted away (minutes without a write), the watch begins without one,
 * which shows the current state again but misses a deletion just before.
 */
async function begin(
  api: LeaseApi,
  signal: AbortSignal,
): Promise<LeaseReading & { watchFrom?: string; listed: boolean }> {
  const listed = await list(api, signal);
  const current = await api.get(signal);
  if (listed === null) return { ...current, watchFrom: current.resourceVersion, listed: false };
  const { resourceVersion: watchFrom } = listed;
  if (current.lease) {
    // Asked after the list, it is as new or newer.
    const least = listed.lease?.metadata.resourceVersion ?? String(BigInt(watchFrom!) + 1n);
    if (BigInt(current.resourceVersion!) < BigInt(least)) throw anotherHistory(api);
    return { ...current, watchFrom, listed: true };
  }
  if (listed.lease === null) return { ...listed, watchFrom, listed: true };
  // Deleted between the two, or gone in etcd alone.
  const again = await api.list(signal);
  if (again.lease) throw anotherHistory(api);
  return { ...again, watchFrom: again.resourceVersion, listed: true };
}

async function list(api: LeaseApi, signal: AbortSignal): Promise<LeaseReading | null> {
  try {
    return await api.list(signal);
  } catch (error) {
    if (error instanceof LeaderElectionError && error.code === 'STORE_FORBIDDEN') return null;
    throw error;
  }
}

/** The first event of a watch that began without a version comes from the API server's cache. */
async function confirm(api: LeaseApi, version: string, signal: AbortSignal): Promise<void> {
  const { resourceVersion } = await api.get(signal);
  if (resourceVersion !== undefined && BigInt(resourceVersion) < BigInt(version)) throw anotherHistory(api);
}

/**
 * The API server answers lists and watches from a cache that it fills from etcd. Where etcd is restored behind its back the cache stays
 * at what was before, and counts as fresh because its versions are the higher ones: a watch would show nothing for as long.
 */
function anotherHistory(api: LeaseApi): LeaseStoreError {
  return new LeaseStoreError(
    'STORE_WENT_BACK',
    `The API server lists the lease in namespace "${quoted(api.namespace)}" as newer than etcd has it.`,
    { advice: 'Restart the API servers, as after every restore of etcd. The lease is read at intervals until then.' },
  );
}

async function* events(
  api: LeaseApi,
  from: string | undefined,
  signal: AbortSignal,
  patience: WatchPatience,
): AsyncGenerator<WatchEvent> {
  const attempt = new AbortController();
  const silent = () =>
    attempt.abort(
      new LeaseStoreError('STORE_TIMEOUT', 'The watch of the lease was silent for so long that it counts as dead.', {
        advice: 'It is reopened by itself; if it lasts, something on the way holds its events back.',
      }),
    );
  const abort = () => attempt.abort(signal.reason);
  const timer = setTimeout(silent, patience.silence);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const response = await api.watch(from, patience.lifetime(), attempt.signal);
    if (response.statusCode !== 200) {
      const answer = await readAnswer(response);
      if (answer.status !== 410) throw api.error(answer, 'watch');
      yield { type: 'ERROR', object: (parseJson(answer.body) ?? { code: 410 }) as WatchEvent['object'] };
      return;
    }
    response.setEncoding('utf8');
    for await (const line of lines(response as AsyncIterable<string>)) {
      timer.refresh();
      const event = parseJson(line) as WatchEvent | undefined;
      if (!event?.type) throw watchError(api, 'it tells', line);
      yield event;
    }
  } catch (error) {
    throw attempt.signal.aborted ? attempt.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function eventError(api: LeaseApi, object: WatchEvent['object']): LeaseStoreError {
  const { code } = object ?? {};
  if (typeof code !== 'number') return watchError(api, 'ERROR', object?.message);
  return api.error({ status: code, headers: {}, body: JSON.stringify(object) }, 'watch');
}

function watchError(api: LeaseApi, what: unknown, detail: unknown): LeaseStoreError {
  const text = detail instanceof Error ? detail.message : detail;
  return new LeaseStoreError(
    'STORE_FAILED',
    `The watch of the lease in namespace "${quoted(api.namespace)}" ended: ${quoted(what)}: ${quoted(text)}.`,
    { advice: 'The lease is read again and the watch reopened; nothing is lost but a moment.', cause: detail },
  );
}
