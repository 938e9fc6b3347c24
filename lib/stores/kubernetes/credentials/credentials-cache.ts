import { doorOf, type Connection } from '../api/connection.js';

/** Milliseconds that a request waits for fresh credentials while it has others that were never refused. */
const GRACE = 250;

export interface CredentialsSource {
  /** Reads or asks for the credentials of the moment. Rejects with a LeaseStoreError. */
  make(): Promise<Connection>;
  /** The next `make` must not answer from a memory. */
  forget?(): void;
  /** Milliseconds for which what it gave is used without asking again. */
  readonly reuseFor: number;
  /** The same after it failed, or gave what had been refused before. */
  readonly retryAfter: number;
  /** Milliseconds for which its failure is passed on where there is nothing else to use. Default 0. */
  readonly failurePause?: number;
  /** Milliseconds after which an answer that does not come is asked for anew. */
  readonly hung: number;
  /** The refusal of requests that would wait for an answer that has not come for a while. `undefined`: it may still come. */
  unanswered?(begunAt: number, since: string): Error | undefined;
}

interface Pending {
  readonly answer: Promise<Connection>;
  readonly begunAt: number;
  /** The same by the wall clock, for people. */
  readonly since: string;
}

/**
 * The credentials in use. Good ones are not thrown away because fresh ones cannot be had (a file that is unreadable for a moment, a
 * plugin that fails): they are used until the API server refuses them. What it refused is given up, and what was in use before that
 * and never refused comes back, where the source has nothing else.
 */
export class CredentialsCache {
  private current?: { readonly connection: Connection; freshUntil: number };
  private spare?: Connection;
  private refused?: Connection;
  private pending?: Pending;
  private failure?: { readonly error: unknown; readonly until: number };

  constructor(
    private readonly source: CredentialsSource,
    private readonly now: () => number,
  ) {}

  async connection(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    const { current } = this;
    if (current && this.now() < current.freshUntil) return current.connection;
    if (!current && this.failure && this.now() < this.failure.until) throw this.failure.error;
    const asksNow = this.begin();
    const { answer, begunAt, since } = this.pending!;
    if (!current) {
      const unanswered = this.source.unanswered?.(begunAt, since);
      if (unanswered) throw unanswered;
      return within(signal, answer);
    }
    // Others go on with what there is: a plugin that hangs would delay every one of them.
    return asksNow ? soon(answer, current.connection) : current.connection;
  }

  /** `isSure` false: TLS failed with them, which may be no fault of theirs. They stay good for want of better ones. */
  distrust(connection: Connection, isSure: boolean): void {
    if (isSure && this.spare === connection) this.spare = undefined;
    if (this.current?.connection !== connection) return;
    if (!isSure) this.spare ??= connection;
    // Refused before, and asked for again not long ago: the same once more would say the same.
    if (this.isRefused(connection) && isSure && this.now() < this.current.freshUntil) return;
    this.refused = connection;
    this.current = undefined;
    // Begun before the refusal, it may bring the very token that was refused.
    this.pending = undefined;
    this.failure = undefined;
    this.source.forget?.();
  }

  /** The API server took them: an earlier refusal was its own trouble. */
  trust(connection: Connection): void {
    if (this.isRefused(connection)) this.refused = undefined;
  }

  /** One at a time, also across requests: a plugin that hangs would otherwise be started again by each. */
  private begin(): boolean {
    if (this.pending && this.now() - this.pending.begunAt < this.source.hung) return false;
    const begunAt = this.now();
    const answer = this.source.make().then(
      (connection) => (this.pending === pending ? this.use(connection, begunAt) : connection),
      (error: unknown) => {
        if (this.pending !== pending) throw error;
        this.pending = undefined;
        return this.goOn(error);
      },
    );
    // Those who have other credentials do not hear of it.
    answer.catch(() => {});
    const pending: Pending = { answer, begunAt, since: new Date().toISOString() };
    this.pending = pending;
    return true;
  }

  private use(made: Connection, begunAt: number): Connection {
    this.pending = undefined;
    const { current, spare, source } = this;
    if (!this.isRefused(made)) {
      const connection = current && isSame(current.connection, made) ? current.connection : made;
      if (current && current.connection !== connection && !this.isRefused(current.connection))
        this.spare = current.connection;

      this.current = { connection, freshUntil: begunAt + source.reuseFor };
    } else {
      this.current = { connection: spare ?? made, freshUntil: this.now() + source.retryAfter };
    }
    return this.current.connection;
  }

  /** @throws what the source said, where there is nothing else to use */
  private goOn(error: unknown): Connection {
    const kept = this.current && !this.isRefused(this.current.connection) ? this.current.connection : this.spare;
    if (!kept) {
      this.current = undefined;
      this.failure = { error, until: this.now() + (this.source.failurePause ?? 0) };
      throw error;
    }
    this.current = { connection: kept, freshUntil: this.now() + this.source.retryAfter };
    return kept;
  }

  private isRefused(connection: Connection): boolean {
    return this.refused !== undefined && isSame(this.refused, connection);
  }
}

/** Whether they open the same door with the same key. */
function isSame(one: Connection, other: Connection): boolean {
  const key = (connection: Connection) => JSON.stringify([doorOf(connection), connection.basePath, connection.headers]);
  return one === other || key(one) === key(other);
}

function soon(answer: Promise<Connection>, otherwise: Connection): Promise<Connection> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(otherwise), GRACE);
    answer.then(resolve, () => resolve(otherwise)).finally(() => clearTimeout(timer));
  });
}

function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
