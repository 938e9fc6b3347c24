import { ListenConnection } from './listen-connection.js';
import type { PgLooseClient } from '../options.js';

export interface Subscriber {
  notified(payload: string): void;
  lost(cause: unknown): void;
}

export interface Subscription {
  /** Resolves when nothing that happens from now on is missed. */
  readonly ready: Promise<void>;
  /** Idempotent. */
  end(): void;
}

/** All subscriptions of a store over one connection, which is there as long as somebody subscribes. */
export class Notifications {
  private readonly channels = new Map<string, Set<Subscriber>>();
  private connection: Promise<ListenConnection> | undefined;

  constructor(private readonly client: () => Promise<PgLooseClient>) {}

  subscribe(channel: string, subscriber: Subscriber): Subscription {
    const subscribers = this.channels.get(channel) ?? new Set();
    this.channels.set(channel, subscribers.add(subscriber));
    return { ready: this.listen(channel), end: () => this.unsubscribe(channel, subscriber) };
  }

  close(): void {
    const { connection } = this;
    this.connection = undefined;
    connection?.then(
      (open) => open.close(),
      // One that never opened has told its subscribers.
      () => {},
    );
  }

  private async listen(channel: string): Promise<void> {
    const connection = await (this.connection ??= this.connect());
    await connection.listen(channel);
  }

  private connect(): Promise<ListenConnection> {
    const forget = () => {
      if (this.connection !== opening) return false;
      this.connection = undefined;
      return true;
    };
    const opening = this.client().then((client) =>
      ListenConnection.open(client, {
        notified: (channel, payload) => {
          for (const subscriber of this.channels.get(channel) ?? []) subscriber.notified(payload);
        },
        lost: (cause) => {
          if (!forget()) return;
          for (const subscribers of this.channels.values())
            for (const subscriber of subscribers) subscriber.lost(cause);
        },
      }),
    );
    opening.catch(forget);
    return opening;
  }

  private unsubscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.channels.get(channel);
    if (!subscribers?.delete(subscriber) || subscribers.size > 0) return;

    this.channels.delete(channel);
    if (this.channels.size === 0) {
      this.close();
      return;
    }
    this.connection
      ?.then((open) => (this.channels.has(channel) ? undefined : open.unlisten(channel)))
      // A connection that fails tells everybody who is still subscribed.
      .catch(() => {});
  }
}
