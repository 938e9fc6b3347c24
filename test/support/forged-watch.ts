import type { LeaseRecord, LeaseStore, Snapshot } from 'nestjs-leader';

/** What a test sends to whoever watches: true or not. */
export class Forger {
  private readonly listeners = new Set<(snapshot: Snapshot) => void>();

  send(snapshot: Snapshot): void {
    for (const listen of this.listeners) listen(snapshot);
  }

  listen(listener: (snapshot: Snapshot) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** `store` as one whose watch nobody vouches for: what it shows comes over a channel on which the forger speaks too. Counts its requests. */
export function unvouched(
  store: LeaseStore,
  forger = new Forger(),
): LeaseStore & { reads: number; writes: number; lastSent: LeaseRecord | null } {
  const counted = {
    name: 'unvouched',
    reads: 0,
    writes: 0,
    lastSent: null as LeaseRecord | null,
    open: (lease: { name: string; namespace?: string }): ReturnType<LeaseStore['open']> => {
      const handle = store.open(lease);
      return {
        read: (signal) => {
          counted.reads += 1;
          return handle.read(signal);
        },
        replace: (...call) => {
          counted.writes += 1;
          counted.lastSent = call[1];
          return handle.replace(...call);
        },
        watch: (signal) => merged(handle.watch!(signal), forger, signal),
      };
    },
  };
  return counted;
}

async function* merged(
  genuine: AsyncIterable<Snapshot>,
  forger: Forger,
  signal: AbortSignal,
): AsyncGenerator<Snapshot> {
  const queue: Snapshot[] = [];
  let wake = () => {};
  const push = (snapshot: Snapshot) => {
    queue.push(snapshot);
    wake();
  };
  const stop = forger.listen(push);
  const feed = { over: false };
  const end = () => {
    feed.over = true;
    wake();
  };
  signal.addEventListener('abort', end, { once: true });
  void (async () => {
    for await (const snapshot of genuine) push(snapshot);
  })().finally(end);
  try {
    while (!feed.over || queue.length > 0) {
      const next = queue.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
  }
}
