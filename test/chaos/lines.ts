/** What a replica is told at its start. */
export interface Settings {
  readonly store: Store;
  /** The file that the replicas write into. */
  readonly ledger: string;
  readonly attempts: number;
  /** The socket of the Redis that a home-made lock uses, if there is one. */
  readonly redis?: string;
}

export interface Store {
  readonly kind: 'file' | 'postgres' | 'kubernetes';
  /** A directory, a connection string, the path of a kubeconfig. */
  readonly address: string;
  /** Milliseconds. */
  readonly leaseDuration: number;
}

export const WAYS = ['ours', 'gated', 'locked'] as const;

/** One line of the ledger. Instants are milliseconds since the epoch. */
export interface Line {
  /** `@LeaderCron`; `@Cron` with `@OnlyWhenLeader()`; `@Cron` with a `SET NX PX` for each second. */
  readonly way: (typeof WAYS)[number];
  readonly event: 'start' | 'done';
  /** Of the tick. */
  readonly at: number;
  readonly previous: number | null;
  readonly pid: number;
  readonly now: number;
}
