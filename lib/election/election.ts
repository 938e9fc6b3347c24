import type { Observable } from 'rxjs';
import type { LeadershipTerm, LossReason } from './leadership-term.js';
import type { ElectionStatus } from './report/status.js';

/** What an application sees of one election: `LeaderElector` without Nest, `LeaderElectionService` with it. */
export interface Election {
  /** Of the election, in this process: decorators, logs and metrics use it. The lease has its own, `leaseName`. */
  readonly name: string;
  /** This replica's identity in the lease; unique to this object. */
  readonly identity: string;
  /** Replays the current value, then strictly alternates. Lost and regained gives `false`, then `true`. Notifies; `isLeader()` decides. Completes at shutdown. */
  readonly leadership$: Observable<boolean>;
  /** The term, `null` while there is none. Replays. */
  readonly term$: Observable<LeadershipTerm | null>;
  /** The holder as last seen, `null` when nobody. Replays. */
  readonly leader$: Observable<string | null>;
  /** Computed from the clocks at this call, never from a stored flag: `false` the first time it is asked after a pause that outlived the term. */
  isLeader(): boolean;
  /**
   * Whether this replica could take over as soon as the lease is free: it has read the lease, and its watch is open or refused. For
   * readiness probes, so that a rollout does not stop the leader while every new replica still boots; it says nothing about leadership.
   * Once `true` it stays so: at the latest one `leaseDuration` after the start, for observers at once.
   */
  isReady(): boolean;
  /** Inside admitted work, and in what it did not await, the term that admitted it, even if a newer one has begun; elsewhere the current one, `null` when not leading. */
  currentTerm(): LeadershipTerm | null;
  /** @throws NotLeaderError when there is no valid term */
  requireTerm(): LeadershipTerm;
  /**
   * Runs `work` if this replica leads, tracked: shutdown and step-down drain it. Called inside admitted work it joins that term.
   * On a standby resolves `undefined` (`skip`, the default) or rejects with NotLeaderError (`throw`); a joined call whose term is over always rejects.
   */
  runIfLeader<T>(work: (term: LeadershipTerm) => T | Promise<T>, options?: RunOptions): Promise<T | undefined>;
  /** Resolves with the term as soon as this replica leads. Rejects with ElectionStoppedError when the election stops, with the signal's reason when `signal` aborts. */
  whenLeader(signal?: AbortSignal): Promise<LeadershipTerm>;
  /** Gate shut, signal aborted, work drained, lease released; stays out for `cooldown` ms (default two retry periods). Does nothing on a standby. */
  stepDown(options?: { cooldown?: number }): Promise<void>;
  /** A JSON-safe snapshot for health pages and logs. Does no I/O, but for `releaseAtExit` where that is read. */
  status(): ElectionStatus;
  /** Begins to stand for the lease. Resolves at once: the election never holds a boot up. */
  start(): Promise<void>;
  /** Drains, releases and never contends again. Idempotent. */
  stop(): Promise<void>;
}

/** How a piece of work is run. */
export interface RunOptions {
  /** On a standby: resolve `undefined` (`skip`, the default) or reject with NotLeaderError (`throw`). */
  onStandby?: 'skip' | 'throw';
}

/** Told of each term, serialised: lost(n) follows acquired(n), acquired(n+1) follows lost(n). Errors are logged and shown in `status()`. */
export interface TermHandlers {
  /** May run as long as the term; tracked, does not delay the gate. */
  acquired(term: LeadershipTerm): unknown;
  /** Awaited before the lease is released, at most `drainTimeout`. */
  lost(term: LeadershipTerm, reason: LossReason): unknown;
}
