/** A request that was sent while the process ended. */
export interface LastRequest {
  /** Whether the store has answered: until then the end of the process may cancel it there. */
  isAnswered(): boolean;
  /** Closes its connection, which is good for nothing else. */
  close(): void;
}

/** Somebody who may hold a lease when the process ends by its own hand. */
export interface Leaver {
  /**
   * Ends every term before it returns, and never begins another unless the process lives on. Returns what then lets go of the lease;
   * `null`: nothing may. That returns `null` where nothing could be sent.
   */
  depart(): (() => LastRequest | null) | null;
  /** The process has lived through its own exit. */
  survived(): void;
}

/** The port to the end of the process: an uncaught exception, an unhandled rejection, `process.exit()`, or nothing left to do. */
export interface Exit {
  /** Returns the way to leave again. */
  join(leaver: Leaver): () => void;
  /** Whoever listens to the exit of the process after us may keep it from ending. To be called now and then. */
  stayLast(): void;
  /** What would keep an exit at this moment from letting leases go; `null`: nothing. */
  obstacle(): string | null;
}
