import type { Snapshot } from '../../election/lease-store.js';
import { Bell } from '../bell.js';
import { untilAborted } from './database.js';
import { errorOf, QueryFailure } from './failure.js';
import type { Notifications } from './notifications.js';
import { snapshotOf } from './state.js';

/** The lease as it is, then as notifications tell it, the newest only. */
export async function* watchLease(
  channel: string,
  notifications: Notifications,
  read: (signal: AbortSignal) => Promise<Snapshot>,
  signal: AbortSignal,
): AsyncGenerator<Snapshot, void, undefined> {
  signal.throwIfAborted();
  const bell = new Bell();
  let payload: string | undefined;
  let lost: { cause: unknown } | undefined;
  const subscription = notifications.subscribe(channel, {
    notified(next) {
      payload = next;
      bell.ring();
    },
    lost(cause) {
      lost = { cause };
      bell.ring();
    },
  });
  try {
    await untilAborted(subscription.ready, signal);
    let last = await read(signal);
    yield last;
    while (!signal.aborted) {
      await bell.wait(signal);
      if (lost) {
        throw errorOf(QueryFailure.of(lost.cause));
      }
      const news = payload;
      payload = undefined;
      if (news === undefined || signal.aborted) {
        continue;
      }
      // A state that was too long to be told has to be fetched.
      const next = news === '' ? await read(signal) : snapshotOf(news);
      // What was notified while the first state was read may be older than it.
      if (next.token > last.token) {
        yield (last = next);
      }
    }
  } finally {
    subscription.end();
  }
}
