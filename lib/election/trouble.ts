import { inspect } from 'node:util';
import type { Clock } from './clock.js';
import { isLeaderElectionError, type LeaderElectionError } from './errors.js';
import type { ElectionLog } from './log.js';
import type { ElectionStatus } from './status.js';

/** A failure as it stands, by the wall clock: written out only when somebody asks. */
type Failure = Omit<NonNullable<ElectionStatus['lastError']>, 'at'> & { readonly wall: number };

/** The failures that stand, told once and summed up when they end: an outage of an hour is two lines, not two thousand. */
export class Trouble {
  private since = 0;
  private last: Failure | null = null;
  private told: string | null = null;
  private handlerError: Failure | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly log: ElectionLog,
    private readonly election: string,
    /** Which part answers again, for the log. */
    private readonly part = 'the lease store',
  ) {}

  get lastError(): ElectionStatus['lastError'] {
    const standing = this.last ?? this.handlerError;
    if (standing === null) {
      return null;
    }
    const { wall, ...failure } = standing;
    const at = new Date(wall);
    return { ...failure, at: Number.isNaN(at.getTime()) ? 'unknown' : at.toISOString() };
  }

  /** Logged each time, and shown until a term passes without one. */
  handlerFailed(cause: LeaderElectionError): void {
    this.handlerError = this.entry(cause, (this.handlerError?.count ?? 0) + 1);
    this.log.error(`${this.election}: ${cause.message}`);
  }

  newTerm(): void {
    this.handlerError = null;
  }

  failed(cause: unknown): void {
    if (this.last === null) {
      this.since = this.clock.now();
    }
    const count = (this.last?.count ?? 0) + 1;
    this.last = this.entry(cause, count);
    const { code, message, advice } = this.last;
    // One lost request is everyday life and heals by itself; a refusal does not.
    const worthTelling = count > 1 || (code !== 'STORE_TIMEOUT' && code !== 'STORE_FAILED');
    if (worthTelling && this.told !== code) {
      this.told = code;
      this.log.warn(`${this.election}: ${message}${advice === undefined ? '' : ` ${advice}`}`);
    }
  }

  succeeded(): void {
    if (this.last === null) {
      return;
    }
    if (this.told !== null) {
      const seconds = ((this.clock.now() - this.since) / 1000).toFixed(1);
      this.log.log(`${this.election}: ${this.part} answers again after ${this.last.count} failures in ${seconds} s.`);
    }
    this.last = this.told = null;
  }

  private entry(cause: unknown, count: number): Failure {
    return { ...describe(cause), wall: this.clock.wall(), count };
  }
}

function describe(cause: unknown): { code: string; message: string; advice?: string } {
  if (isLeaderElectionError(cause)) {
    return {
      code: cause.code,
      message: cause.message,
      ...(cause.advice === undefined ? {} : { advice: cause.advice }),
    };
  }
  const message = cause instanceof Error ? cause.message : `The lease store failed with ${inWords(cause)}`;
  return { code: 'STORE_FAILED', message };
}

/** Whatever was thrown, in words: people throw things that `String()` refuses. */
export function inWords(cause: unknown): string {
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
}
