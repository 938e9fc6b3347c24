/** What a replica is doing: `standby` waits for its turn, `draining` no longer leads but still holds the lease for its last work. */
export type ElectionRole = 'idle' | 'standby' | 'leader' | 'draining' | 'stopped';

/** A failure that stands: repeated since its first time, and not followed by a success yet. */
export interface ElectionFailure {
  /** Stable; `docs/operations.md` lists them. */
  readonly code: string;
  /** What is wrong, and who says so. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
  /** When it last happened, ISO 8601 by this machine's wall clock. */
  readonly at: string;
  /** When it first happened. */
  readonly since: string;
  /** Milliseconds since then, by the monotonic clock. */
  readonly lasted: number;
  /** How often since then. */
  readonly count: number;
}

/** A job with ticks, as this replica knows it. */
export interface JobStatus {
  readonly name: string;
  /** How often a tick may be begun. */
  readonly attempts: number;
  /** When it falls due next, ISO 8601; `null`: never again. */
  readonly next: string | null;
  /** The tick that was done last, on any replica, as far as this one has seen; with one attempt, the last that was begun. */
  readonly last: string | null;
  /** Whether a tick of it runs in this process. */
  readonly isRunning: boolean;
  /** The last tick that this process has run. `lateness` and `duration` are milliseconds. */
  readonly lastRun: {
    readonly scheduledAt: string;
    readonly startedAt: string;
    readonly lateness: number;
    /** `failed`: the handler rejected. `cut-short`: it rejected after its term had ended. */
    readonly outcome: 'running' | 'done' | 'failed' | 'cut-short';
    readonly duration?: number;
  } | null;
  /** What keeps it from running as it should; `null`: nothing. */
  readonly problem: string | null;
}

/** A JSON-safe snapshot for health pages and logs. Times are ISO 8601 by this machine's wall clock, durations milliseconds. */
export interface ElectionStatus {
  /** Of the election. */
  readonly name: string;
  /** Of the lease that it stands for. */
  readonly leaseName: string;
  /** As configured; absent where the store chooses. */
  readonly namespace?: string;
  /** Of this replica, as it stands in the lease while it leads. */
  readonly identity: string;
  /** Computed from the clocks, as `isLeader()` is. */
  readonly role: ElectionRole;
  /** Identity that the lease named when it was last seen; not a proof that it leads now. */
  readonly leader: string | null;
  /** The term that admits work now, `null` on a standby and during a drain. */
  readonly term: { readonly fencingToken: string; readonly startedAt: string; readonly remaining: number } | null;
  /** When this replica's last confirmed write was sent, `null` before the first. */
  readonly lastConfirmedWrite: string | null;
  /** When the store last gave a usable answer (reads, writes, watch; a refusal is none), `null` before the first. */
  readonly lastContact: string | null;
  /** Milliseconds since then, by the monotonic clock. */
  readonly sinceContact: number | null;
  /** The gravest failure that stands, and what to do about it: of writing, else of reading, of the watch, of a handler. */
  readonly lastError: ElectionFailure | null;
  /** What fails and what does not: a store may refuse every write while it can be read. `null`: the last attempt succeeded, or none was made. */
  readonly failures: {
    readonly reading: ElectionFailure | null;
    readonly writing: ElectionFailure | null;
    readonly watching: ElectionFailure | null;
    /** Why no tick of a job may start: clocks that disagree, a store that keeps no account of them. */
    readonly ticks: ElectionFailure | null;
  };
  /** The jobs whose ticks this election starts. */
  readonly jobs: readonly JobStatus[];
  /** Kind of store: `kubernetes`, `postgres`, `file`, `memory`, or what a custom one calls itself. */
  readonly store: string;
  /** Admitted calls that have not settled. */
  readonly running: number;
  /** Terms of this replica so far. */
  readonly terms: number;
  /**
   * Whether the lease would be let go if this process exited by itself now (`process.exit()`, an uncaught exception): `ready`; `off` where
   * the store cannot or an option forbids it; else the sentence that says what is in the way. A term younger than one lease duration is
   * left to expire in any case. Looked up when it is read.
   */
  readonly releaseAtExit: string;
}
