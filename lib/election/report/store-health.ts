import type { Clock } from '../clock/clock.js';
import { isLeaderElectionError, type LeaderElectionError, type LeaderElectionErrorCode } from '../errors.js';
import type { ElectionLog } from './election-log.js';
import { inWords, messageOf, quoted } from './quoted.js';
import type { ElectionFailure, ElectionStatus } from './status.js';

/** What can fail without the others: a webhook refuses every write while reads work, a role allows no watch. */
export type StorePart = 'reading' | 'writing' | 'watching' | 'ticks';

const WORKS_AGAIN: Record<StorePart, string> = {
  reading: 'the lease can be read again',
  writing: 'the lease can be written again',
  watching: 'the watch of the lease works again',
  ticks: 'ticks of jobs start again',
};

/** Of a message of a store, which may have been handed a server's whole answer, or a name that somebody else made up. */
const LONGEST_MESSAGE = 2_000;

/** Refusals of this replica alone: that another one writes does not lift them. */
const REFUSED: readonly LeaderElectionErrorCode[] = ['STORE_FORBIDDEN', 'STORE_UNAUTHENTICATED'];

/** How the lease store does, as far as this replica can tell. An outage of an hour is two lines in the log, not two thousand. */
export class StoreHealth {
  /** When it last gave a usable answer. A refusal is none: a store that serves nobody refuses as well. */
  contactAt: { mono: number; wall: number } | null = null;
  /** Wall clock at the sending of the last confirmed write, for people. */
  confirmedWriteAt: number | null = null;
  private readonly parts: Record<StorePart, PartHealth>;
  private handlerError: StandingFailure | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly log: ElectionLog,
    private readonly election: string,
    /** What fails again within this many milliseconds never truly worked in between. */
    settleTime: number,
  ) {
    // A broken watch is the first to show an outage and costs the least: what it says waits until reads and writes have had their say.
    const patience = { reading: 0, writing: 0, watching: settleTime / 2, ticks: 0 };
    const part = (name: StorePart) =>
      new PartHealth(clock, settleTime, patience[name], (summary) =>
        log.log(`${election}: ${WORKS_AGAIN[name]} ${summary}.`),
      );
    this.parts = {
      reading: part('reading'),
      writing: part('writing'),
      watching: part('watching'),
      ticks: part('ticks'),
    };
  }

  /** What stands, the gravest first: a replica that cannot write cannot lead, one without a watch leads a little later. */
  get lastError(): ElectionStatus['lastError'] {
    const { reading, writing, watching, ticks } = this.parts;
    return (
      writing.failure ??
      reading.failure ??
      ticks.failure ??
      watching.failure ??
      toStatus(this.handlerError, this.clock.now())
    );
  }

  get failures(): ElectionStatus['failures'] {
    const { reading, writing, watching, ticks } = this.parts;
    return { reading: reading.failure, writing: writing.failure, watching: watching.failure, ticks: ticks.failure };
  }

  isFailing(name: StorePart): boolean {
    return this.parts[name].isFailing;
  }

  failed(name: StorePart, cause: unknown): void {
    const part = this.parts[name];
    part.failed(describe(cause));
    if (part.isWorthTelling && !this.isToldAlready(name)) {
      const { message, advice } = part.failure!;
      part.tell();
      this.log.warn(`${this.election}: ${message}${advice === undefined ? '' : ` ${advice}`}`);
    }
  }

  succeeded(name: Exclude<StorePart, 'ticks'>): void {
    this.contactAt = { mono: this.clock.now(), wall: this.clock.wall() };
    this.parts[name].succeeded();
  }

  /** Ticks may start, or this replica no longer starts any. */
  ticksAreFree(): void {
    this.parts.ticks.succeeded();
  }

  /** A write of ours, sent at that time by the wall clock, stands in the lease. */
  confirmedWrite(sentAt: number): void {
    this.confirmedWriteAt = sentAt;
    this.succeeded('writing');
  }

  /**
   * Somebody else's write stands in the lease, so what failed for us is no trouble now. Nothing is told: it may have been written before
   * ours failed, and whether the store takes ours will only show when we make one.
   */
  othersWrote(): void {
    const { failure } = this.parts.writing;
    if (failure !== null && !REFUSED.includes(failure.code as LeaderElectionErrorCode)) this.parts.writing.forget();
  }

  /** Logged each time, and shown until a term passes without one. */
  handlerFailed(cause: LeaderElectionError): void {
    const wall = this.clock.wall();
    const { count, since, begunAt } = this.handlerError ?? { count: 0, since: wall, begunAt: this.clock.now() };
    // The stack of the application's own error, on as many lines as it has.
    this.handlerError = { ...describe(cause), message: cause.message, wall, since, begunAt, count: count + 1 };
    this.log.error(`${this.election}: ${cause.message}`);
  }

  newTerm(): void {
    this.handlerError = null;
  }

  /** One cause is one line, though all three fail by it. That the watch is down as well is no news while the rest is. */
  private isToldAlready(name: StorePart): boolean {
    const { reading, writing } = this.parts;
    if (name === 'ticks') return false;
    if (name === 'watching') return reading.isFailing || writing.isFailing;
    const other = name === 'reading' ? writing : reading;
    return other.isTold && other.failure?.code === this.parts[name].failure?.code;
  }
}

/** A failure as it stands, by the wall clock: written out only when somebody asks. */
interface StandingFailure extends Description {
  readonly wall: number;
  readonly since: number;
  /** Of the first time, by the monotonic clock. */
  readonly begunAt: number;
  readonly count: number;
}

/** One part of it: what fails is told once, and once more when it is truly over. */
class PartHealth {
  private standing: StandingFailure | null = null;
  private told: string | null = null;
  /** It failed again before it had settled: what is told of it waits until it has. */
  private flaps = false;
  private count = 0;
  private begunAt = 0;
  private lastFailedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly settleTime: number,
    /** Milliseconds for which a passing failure is not worth telling. */
    private readonly patience: number,
    private readonly over: (summary: string) => void,
  ) {}

  get failure(): ElectionFailure | null {
    return toStatus(this.standing, this.clock.now());
  }

  get isFailing(): boolean {
    return this.standing !== null;
  }

  get isTold(): boolean {
    return this.told !== null;
  }

  /** One lost request is everyday life and heals by itself; a refusal does not. */
  get isWorthTelling(): boolean {
    const { standing } = this;
    if (standing === null || this.told === standing.code) return false;
    const passes = standing.code === 'STORE_TIMEOUT' || standing.code === 'STORE_FAILED';
    return !passes || (standing.count > 1 && this.clock.now() - this.begunAt >= this.patience);
  }

  tell(): void {
    this.told = this.standing!.code;
  }

  failed(description: Description): void {
    const now = this.clock.now();
    const wall = this.clock.wall();
    if (this.standing === null) {
      this.flaps = this.told !== null && now - this.lastFailedAt < this.settleTime;
      if (!this.flaps) {
        this.told = null;
        this.count = 0;
        this.begunAt = now;
      }
    }
    this.count += 1;
    this.lastFailedAt = now;
    const { count = 0, since = wall, begunAt = now } = this.standing ?? {};
    this.standing = { ...description, wall, since, begunAt, count: count + 1 };
  }

  forget(): void {
    this.standing = this.told = null;
    this.flaps = false;
  }

  succeeded(): void {
    const now = this.clock.now();
    const isOver = this.standing !== null && !this.flaps;
    const hasSettled = this.flaps && now - this.lastFailedAt >= this.settleTime;
    this.standing = null;
    if (this.told !== null && (isOver || hasSettled)) {
      this.flaps = false;
      this.over(`after ${this.count} failures in ${((now - this.begunAt) / 1000).toFixed(1)} s`);
    }
  }
}

function toStatus(failure: StandingFailure | null, now: number): ElectionFailure | null {
  if (failure === null) return null;
  const { wall, since, begunAt, ...rest } = failure;
  return { ...rest, at: timeOf(wall), since: timeOf(since), lasted: Math.round(now - begunAt) };
}

/** A wall clock may be set to what no date can say. */
function timeOf(wall: number): string {
  const at = new Date(wall);
  return Number.isNaN(at.getTime()) ? 'unknown' : at.toISOString();
}

interface Description {
  readonly code: string;
  readonly message: string;
  readonly advice?: string;
}

function describe(cause: unknown): Description {
  if (isLeaderElectionError(cause)) {
    return {
      code: cause.code,
      message: quoted(cause.message, LONGEST_MESSAGE),
      ...(cause.advice === undefined ? {} : { advice: cause.advice }),
    };
  }
  const message = messageOf(cause) ?? `The lease store failed with ${inWords(cause)}`;
  return { code: 'STORE_FAILED', message: quoted(message, LONGEST_MESSAGE) };
}
