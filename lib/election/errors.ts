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
  | 'FENCED';

/** Base of all errors of this package. `code` is stable; `advice` says what to do about it. */
export class LeaderElectionError extends Error {
  override readonly name: string = 'LeaderElectionError';

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

/** Refuses a configuration at start. Names each value and the rule that it breaks. */
export class LeaderElectionConfigError extends LeaderElectionError {
  override readonly name = 'LeaderElectionConfigError';

  constructor(message: string, advice?: string) {
    super('INVALID_CONFIG', message, advice);
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

/** Whether this is an error of this package, also one that another copy of it threw. */
export function isLeaderElectionError(error: unknown): error is LeaderElectionError {
  return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[BRAND] === true;
}

/** Like `instanceof NotLeaderError`, but across copies of the package. */
export function isNotLeaderError(error: unknown): error is NotLeaderError {
  return isLeaderElectionError(error) && error.code === 'NOT_LEADER';
}

/** Like `instanceof ElectionStoppedError`, but across copies of the package. */
export function isElectionStoppedError(error: unknown): error is ElectionStoppedError {
  return isLeaderElectionError(error) && error.code === 'ELECTION_STOPPED';
}
