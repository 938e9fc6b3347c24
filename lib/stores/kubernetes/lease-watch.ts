import { LeaderElectionError, LeaseStoreError } from '../../election/errors.js';
import type { LeaseApi, Sighting } from './lease-api.js';
import { isToken } from './lease-object.js';
import { parseJson } from './api-status.js';
import { lines } from './lines.js';
import { readAnswer } from './transport.js';

export interface WatchPatience {
  /** Milliseconds without a byte after which the connection counts as dead. Above the minute between two bookmarks. */
  readonly silence: number;
  /** Seconds after which the server ends a watch by itself; spread, so that standbys do not come back in one crowd. */
  readonly lifetime: () => number;
  /** Milliseconds before reopening a watch that the server ended. */
  readonly pause: () => number;
}

export const PATIENCE: WatchPatience = {
  silence: 90_000,
  lifetime: () => Math.round(300 + 300 * Math.random()),
  pause: () => 200 * Math.random(),
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
 * What the lease says, from now on. Goes on across the server's own timeouts; throws at everything else, and returns when `signal` aborts.
 */
export async function* watchLease(api: LeaseApi, signal: AbortSignal, patience = PATIENCE): AsyncGenerator<Sighting> {
  try {
    const first = await begin(api, signal);
    yield first;
    let last = BigInt(first.resourceVersion ?? 0);
    let from = first.watchFrom;
    for (let heard = true; heard && !signal.aborted; await pause(patience.pause(), signal)) {
      heard = false;
      for await (const { type, object } of events(api, from, signal, patience)) {
        heard = true;
        if (type === 'ERROR' && object?.code === 410 && !first.listed && from !== undefined) {
          from = undefined;
          break;
        }
        const version = object?.metadata?.resourceVersion;
        if (type === 'ERROR' || !isToken(version)) throw watchError(api, type, object?.message);
        from = version;
        // A server that lags behind replays old events; they would reset what the election measures.
        if (type === 'BOOKMARK' || BigInt(version) <= last) continue;
        last = BigInt(version);
        if (type === 'DELETED') yield { lease: null, resourceVersion: version };
        else if (api.isThis(object)) yield { lease: object, resourceVersion: version };
        else throw watchError(api, type, 'not the Lease that was asked for');
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof LeaderElectionError ? error : watchError(api, 'broken', error);
  }
}

/**
 * A list gives a fresh version to watch from. Where it is forbidden, the Lease's own has to do; once that is compacted away (minutes
 * without a write), the watch begins without one, which shows the current state again but misses a deletion just before.
 */
async function begin(api: LeaseApi, signal: AbortSignal): Promise<Sighting & { watchFrom?: string; listed: boolean }> {
  try {
    const sighting = await api.list(signal);
    return { ...sighting, ...own(sighting), watchFrom: sighting.resourceVersion, listed: true };
  } catch (error) {
    if (!(error instanceof LeaderElectionError && error.code === 'STORE_FORBIDDEN')) throw error;
    const sighting = await api.get(signal);
    return { ...sighting, watchFrom: sighting.resourceVersion, listed: false };
  }
}

/** A Lease's token is its own version; the collection's, which other Leases drive on, is that of its absence. */
const own = ({ lease }: Sighting) => (lease ? { resourceVersion: lease.metadata.resourceVersion } : {});

async function* events(
  api: LeaseApi,
  from: string | undefined,
  signal: AbortSignal,
  patience: WatchPatience,
): AsyncGenerator<WatchEvent> {
  const attempt = new AbortController();
  const silent = () =>
    attempt.abort(new LeaseStoreError('STORE_TIMEOUT', `The watch was silent for ${patience.silence} ms.`));
  const abort = () => attempt.abort(signal.reason);
  const timer = setTimeout(silent, patience.silence);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const response = await api.watch(from, patience.lifetime(), attempt.signal);
    if (response.statusCode !== 200) throw api.error(await readAnswer(response), 'watch');
    response.setEncoding('utf8').on('data', () => timer.refresh());
    for await (const line of lines(response as AsyncIterable<string>)) {
      const event = parseJson(line) as WatchEvent | undefined;
      if (!event?.type) throw watchError(api, 'garbage', line.slice(0, 200));
      yield event;
    }
  } catch (error) {
    throw attempt.signal.aborted ? attempt.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function watchError(api: LeaseApi, type: unknown, detail: unknown): LeaseStoreError {
  const text = detail instanceof Error ? detail.message : String(detail);
  return new LeaseStoreError('STORE_FAILED', `watch leases in namespace "${api.namespace}": ${String(type)}, ${text}`, {
    advice: 'The lease is read again and the watch reopened; nothing is lost but a moment.',
    cause: detail,
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
