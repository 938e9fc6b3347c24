/** Shared by every copy of the package in a process, so that a monorepo with two copies still recognises its errors. */
const BRAND = Symbol.for('nestjs-leader:error');

/** What went wrong, for programs: never renamed within a major version. `docs/operations.md` says what each asks you to do. */
export type LeaderElectionErrorCode =
  | 'NOT_LEADER'
  | 'ELECTION_STOPPED'
  | 'INVALID_CONFIG'
  | 'STORE_FAILED'
  | 'STORE_TIMEOUT'
  | 'STORE_FORBIDDEN'
  | 'STORE_UNAUTHENTICATED'
  | 'STORE_NOT_FOUND'
  | 'STORE_BAD_DATA'
  | 'STORE_WENT_BACK'
  | 'TOKEN_OVERFLOW'
  | 'HANDLER_FAILED'
  | 'TICKS_HELD'
  | 'FENCED'
  | 'UNFENCEABLE'
  | 'FENCING_STORE_FULL';

/** Which codes the errors of a class have. */
const KINDS = new WeakMap<object, RegExp>();

/** Base of all errors of this package. `code` is stable; `advice` says what to do about it. */
export class LeaderElectionError extends Error {
  override readonly name: string = 'LeaderElectionError';

  /** Knows the errors of every copy of the package in a process. A subclass of somebody's own is told apart as usual. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, error)) return true;
    return isLeaderElectionError(error) && KINDS.get(this)?.test(error.code) === true;
  }

  constructor(
    /** Stable; compare with this, not with the message. */
    readonly code: LeaderElectionErrorCode,
    message: string,
    /** What to do about it, for people. */
    readonly advice?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Thrown where leadership is required and this replica does not have it, or no longer. */
export class NotLeaderError extends LeaderElectionError {
  override readonly name = 'NotLeaderError';

  constructor(
    /** Name of the election. */
    readonly election: string,
    message = `This replica does not lead the election "${election}".`,
  ) {
    super(
      'NOT_LEADER',
      message,
      'Call it on the leader, or let the caller retry: another replica leads or is about to.',
    );
  }
}

/** Rejects `whenLeader()` once the election has stopped, or its `signal` aborted: it will never lead again. */
export class ElectionStoppedError extends LeaderElectionError {
  override readonly name = 'ElectionStoppedError';

  constructor(
    /** Name of the election. */
    readonly election: string,
  ) {
    super(
      'ELECTION_STOPPED',
      `The election "${election}" has stopped.`,
      'The application is shutting down; start no new work.',
    );
  }
}

/** Refuses a configuration at start. Names each value, the rule that it breaks, and what to write instead. */
export class LeaderElectionConfigError extends LeaderElectionError {
  override readonly name = 'LeaderElectionConfigError';

  /** The message ends with the advice: test runners and Nest's own handler of a failed boot print nothing else. */
  constructor(message: string, advice?: string) {
    super('INVALID_CONFIG', advice === undefined ? message : `${message} ${advice}`, advice);
  }
}

/** What a store throws from `read` and `watch`, and gives as the cause of an outcome. */
export class LeaseStoreError extends LeaderElectionError {
  override readonly name = 'LeaseStoreError';
  /** Milliseconds for which the store asked to be left alone. */
  readonly retryAfter?: number;

  constructor(
    code: Extract<LeaderElectionErrorCode, `STORE_${string}`>,
    message: string,
    options: { advice?: string; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(code, message, options.advice, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfter = options.retryAfter;
  }
}

recogniseByCode(LeaderElectionError, /./);
recogniseByCode(NotLeaderError, /^NOT_LEADER$/);
recogniseByCode(ElectionStoppedError, /^ELECTION_STOPPED$/);
recogniseByCode(LeaderElectionConfigError, /^INVALID_CONFIG$/);
recogniseByCode(LeaseStoreError, /^STORE_/);

/** Which codes the errors of a class have: `instanceof` then knows those of other copies of the package too. */
export function recogniseByCode(type: object, codes: RegExp): void {
  KINDS.set(type, codes);
}

/** Whether this is an error of this package, also one that another copy of it threw. */
export function isLeaderElectionError(error: unknown): error is LeaderElectionError {
  try {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[BRAND] === true;
  } catch {
    // A proxy that refuses to be looked at is no error of ours.
    return false;
  }
}

/** Like `instanceof NotLeaderError`, but across copies of the package. */
export function isNotLeaderError(error: unknown): error is NotLeaderError {
  return isLeaderElectionError(error) && error.code === 'NOT_LEADER';
}

/** Like `instanceof ElectionStoppedError`, but across copies of the package. */
export function isElectionStoppedError(error: unknown): error is ElectionStoppedError {
  return isLeaderElectionError(error) && error.code === 'ELECTION_STOPPED';
}
