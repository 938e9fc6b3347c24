import type { Snapshot } from '../../election/lease-store.js';
import { Bell } from '../bell.js';
import { untilAborted } from './connection/database.js';
import { errorOf, QueryFailure } from './errors.js';
import type { Notifications } from './connection/notifications.js';
import { snapshotOf } from './codec.js';

/** More than Postgres lets a notification carry. */
const LONGEST_PAYLOAD = 8_000;
/** So many states may wait for a reader that is away; what comes then is made good by a read. */
const MOST_WAITING = 64;
/** A read that nothing bounds would keep the watch silent forever. */
const READ_TIMEOUT = 10_000;

/**
 * The lease as it is, then as notifications tell it. Anybody who may connect to the database may send those, so each counts for itself:
 * a forged one neither hides a genuine one nor ends the watch. What cannot be understood is answered with a read, as an empty one is,
 * which stands for a state that was too long to be told.
 */
export async function* watchLease(
  channel: string,
  notifications: Notifications,
  read: (signal: AbortSignal) => Promise<Snapshot>,
  signal: AbortSignal,
): AsyncGenerator<Snapshot, void, undefined> {
  signal.throwIfAborted();
  const bell = new Bell();
  const pause = new Pause(() => bell.ring());
  let told: Snapshot[] = [];
  let owesRead = false;
  let lost: { cause: unknown } | undefined;
  const subscription = notifications.subscribe(channel, {
    notified(payload) {
      const snapshot = understood(payload);
      if (snapshot && told.length < MOST_WAITING) told.push(snapshot);
      else owesRead = true;
      bell.ring();
    },
    lost(cause) {
      lost = { cause };
      bell.ring();
    },
  });
  const look = () => read(AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT)]));
  try {
    await untilAborted(subscription.ready, signal);
    let last = await look();
    yield last;
    while (!signal.aborted) {
      await bell.wait(signal);
      if (lost) throw errorOf(QueryFailure.of(lost.cause));

      const states = told;
      told = [];
      for (const next of states) {
        // What was notified while the state was read may be older than it. Compared with what was read, and not with what was told: of
        // that nobody knows whether it is true.
        if (next.token > last.token && !signal.aborted) yield next;
      }
      if (owesRead && !signal.aborted && pause.isOver()) {
        owesRead = false;
        const now = await look();
        const isNews = now.token !== last.token;
        pause.begin(isNews);
        last = now;
        if (isNews) yield now;
      }
    }
  } finally {
    pause.end();
    subscription.end();
  }
}

/** Between reads that notifications without content ask for: the more of them are for nothing, the longer. */
class Pause {
  private length = 0;
  private until = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly over: () => void) {}

  /** If not, tells when it is. */
  isOver(): boolean {
    const left = this.until - performance.now();
    if (left <= 0) return true;

    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.over();
    }, left);
    return false;
  }

  begin(wasWorthIt: boolean): void {
    this.length = wasWorthIt ? 0 : Math.min(Math.max(SHORTEST_PAUSE, 2 * this.length), LONGEST_PAUSE);
    this.until = performance.now() + this.length;
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;

function understood(payload: string): Snapshot | undefined {
  if (payload === '' || payload.length > LONGEST_PAYLOAD) return undefined;

  try {
    return snapshotOf(payload);
  } catch {
    // Not ours, or from a version to come.
    return undefined;
  }
}
