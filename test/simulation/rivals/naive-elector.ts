import { BehaviorSubject } from 'rxjs';
import type { Election } from '../../../lib/election/election.js';
import { NotLeaderError } from '../../../lib/election/errors.js';
import type { LeadershipTerm, LossReason } from '../../../lib/election/leadership-term.js';
import type { LeaseRecord } from '../../../lib/election/lease-record.js';
import type { LeaseHandle, Snapshot, WriteOutcome } from '../../../lib/election/lease-store.js';
import type { Process } from '../world/process.js';
import type { NewElection } from '../world/replica.js';

/** The classics, each of which somebody has shipped. */
export const CLASSIC_BUGS = [
  'a boolean that a timer flips back',
  'trust counted from the response',
  'expiry judged by the writer’s wall clock',
  'own duration instead of the recorded one',
  'no compare-and-swap',
  'release before the work has stopped',
  'release without looking who holds',
  'leaseTransitions as the token',
  'leads until somebody else is seen',
] as const;
export type ClassicBug = (typeof CLASSIC_BUGS)[number];

interface Clocks {
  mono: number;
  wall: number;
  boot: number;
}

const DURATION = 15_000;
const DEADLINE = 12_000;
const PERIOD = 2_000;
const TIMEOUT = 2_000;

/** An elector as one writes it in an afternoon: polls, works, and has at most one bug. The judge must pass it without and catch it with. */
export function naive(bug?: ClassicBug): NewElection {
  return (setup) =>
    new NaiveElector(
      setup.clock,
      setup.options.store.open({ name: 'x' }),
      setup.options.identity!,
      bug,
    ) as unknown as Election;
}

class NaiveElector {
  readonly identity: string;
  readonly leadership$ = new BehaviorSubject(false);
  readonly term$ = new BehaviorSubject<LeadershipTerm | null>(null);
  private until = Number.NEGATIVE_INFINITY;
  private wallUntil = 0;
  private bootUntil = 0;
  private flag = false;
  private running = 0;
  private seen: { key: string; at: number } | null = null;
  private absentSince: number | null = null;
  private longest = DURATION;
  private held: Snapshot | null = null;
  private controller = new AbortController();
  private stopping: (() => void) | null = null;
  private away = 0;

  constructor(
    private readonly clock: Process,
    private readonly handle: LeaseHandle,
    prefix: string,
    private readonly bug: ClassicBug | undefined,
  ) {
    this.identity = `${prefix}_${clock.uuid()}`;
  }

  isLeader(): boolean {
    if (this.bug === 'a boolean that a timer flips back' || this.bug === 'leads until somebody else is seen')
      return this.flag;
    const { clock } = this;
    const valid = clock.now() < this.until && clock.wall() < this.wallUntil && (clock.boot() ?? 0) < this.bootUntil;
    if (this.flag && !valid) this.lose('expired');
    return this.flag;
  }

  currentTerm(): LeadershipTerm | null {
    return this.isLeader() ? this.term$.value : null;
  }

  async runIfLeader<T>(work: (term: LeadershipTerm) => Promise<T>): Promise<T | undefined> {
    const term = this.currentTerm();
    if (!term) return undefined;
    if (!term.isValid()) throw new NotLeaderError('naive');
    this.running++;
    try {
      return await work(term);
    } finally {
      this.running--;
    }
  }

  async start(): Promise<void> {
    while (!this.stopping) {
      if (this.clock.now() >= this.away) await this.round();
      await this.sleep(PERIOD * (1 + 0.2 * this.clock.random()));
    }
    await this.release();
    this.stopping();
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.stopping ??= resolve;
    });
  }

  async stepDown(): Promise<void> {
    this.away = this.clock.now() + 2 * PERIOD;
    if (this.flag) await this.release();
  }

  private async round(): Promise<void> {
    const sent = this.clocks();
    if (this.isLeader() && this.held) return this.write(this.held, sent);
    try {
      const snapshot = await this.request((signal) => this.handle.read(signal));
      if (snapshot && this.isFree(snapshot)) await this.write(snapshot, this.clocks());
    } catch {
      // The next round tries again: naive, but not wrong.
    }
  }

  private isFree({ lease }: Snapshot): boolean {
    this.absentSince = lease ? null : (this.absentSince ?? this.clock.now());
    if (!lease) return this.seen === null || this.absentSince! + this.longest < this.clock.now();
    const { record } = lease;
    this.longest = Math.max(this.longest, record.duration);
    const key = `${record.writeId}/${record.holder}/${record.renewedAt}`;
    if (this.seen?.key !== key) this.seen = { key, at: this.clock.now() };
    if (record.holder === null && record.term !== null) return true;
    if (this.bug === 'expiry judged by the writer’s wall clock')
      return (record.renewedAt ?? 0) + record.duration < this.clock.wall();
    const duration = this.bug === 'own duration instead of the recorded one' ? DURATION : this.longest;
    return this.clock.now() > this.seen.at + duration;
  }

  private async write(on: Snapshot, sent: Clocks): Promise<void> {
    const before = on.lease?.record;
    const mine = before?.holder === this.identity;
    const record: LeaseRecord = {
      holder: this.identity,
      duration: DURATION,
      acquiredAt: sent.wall,
      renewedAt: Math.max(sent.wall, (before?.renewedAt ?? 0) + 1000),
      transitions: mine ? before.transitions : (before?.transitions ?? -1) + 1,
      term: this.identity,
      writeId: this.clock.uuid(),
    };
    let seen = on;
    if (this.bug === 'no compare-and-swap' && !mine)
      seen = (await this.request((s) => this.handle.read(s)).catch(() => on)) ?? on;
    const outcome = await this.request<WriteOutcome>((signal) => this.handle.replace(seen, record, signal));
    if (outcome?.kind === 'conflict') return this.lose('superseded');
    if (outcome?.kind !== 'applied') return void this.isLeader();
    const base = this.bug === 'trust counted from the response' ? this.clocks() : sent;
    const now = this.clocks();
    const stale = Math.max(now.mono - base.mono, now.wall - base.wall, now.boot - base.boot) >= DEADLINE;
    if (stale && this.bug !== 'leads until somebody else is seen') return;
    this.held = outcome.snapshot;
    this.until = base.mono + DEADLINE;
    this.wallUntil = base.wall + DEADLINE;
    this.bootUntil = base.boot + DEADLINE;
    if (this.flag) return;
    const token = this.bug === 'leaseTransitions as the token' ? BigInt(record.transitions) : outcome.snapshot.token;
    this.begin(token);
  }

  private begin(fencingToken: bigint): void {
    const controller = (this.controller = new AbortController());
    const isValid = (): boolean => this.controller === controller && this.isLeader();
    const term = {
      fencingToken,
      startedAt: new Date(this.clock.wall()),
      signal: controller.signal,
      isValid,
      remaining: () => 0,
      toJSON: () => ({}),
    };
    this.flag = true;
    this.term$.next(term as unknown as LeadershipTerm);
    this.leadership$.next(true);
    if (this.bug === 'a boolean that a timer flips back') this.watchdog();
  }

  private watchdog(): void {
    this.clock.setTimer(() => {
      if (!this.flag) return;
      if (this.clock.now() >= this.until) this.lose('expired');
      else this.watchdog();
    }, 500);
  }

  private lose(reason: LossReason): void {
    if (!this.flag) return;
    this.flag = false;
    this.held = null;
    this.controller.abort(reason);
    this.term$.next(null);
    this.leadership$.next(false);
  }

  private async release(): Promise<void> {
    const { held } = this;
    this.lose('stopped');
    while (this.running > 0 && this.bug !== 'release before the work has stopped') await this.sleep(50);
    const now = await this.request((signal) => this.handle.read(signal)).catch(() => undefined);
    const on =
      this.bug === 'release without looking who holds'
        ? now
        : now?.lease?.version === held?.lease?.version
          ? now
          : undefined;
    if (!on?.lease) return;
    const record = { ...on.lease.record, holder: null, term: this.identity, writeId: this.clock.uuid() };
    await this.request((signal) => this.handle.replace(on, record, signal));
  }

  private request<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const controller = new AbortController();
    const cancel = this.clock.setTimer(() => controller.abort(), TIMEOUT);
    return call(controller.signal).finally(cancel);
  }

  private clocks(): Clocks {
    return { mono: this.clock.now(), wall: this.clock.wall(), boot: this.clock.boot() ?? 0 };
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(resolve, milliseconds);
    });
  }
}
