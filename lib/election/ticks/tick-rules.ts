import type { TickJob } from './job.js';
import type { JobEntry, Ledger } from './ledger.js';

/**
 * What may be claimed, started, settled and taken back: pure, one job at a time. Each rule closes a way in which a tick was lost or
 * doubled in a model of this protocol; the simulator plays them with the elector around them.
 */

/** A leader's clock may be ahead of the store's by so much, and no tick is claimed further ahead than that. Milliseconds. */
export const MOST_AHEAD = 60_000;

/** A mark that is further ahead of every clock than this was written by one that was wrong. Milliseconds. */
export const FAR_AHEAD = 600_000;

/** By which clocks, and for which term, a job is looked at. Wall clocks, milliseconds. */
export interface TickLook {
  readonly now: number;
  /** By the store's own clock; `null` where it shows none. */
  readonly storeNow: number | null;
  readonly term: string;
}

/** An entry after a rule was applied to it. */
export interface Ruling {
  readonly entry: JobEntry;
  /** A claimed tick that nobody will run again: to be told before this is written. */
  readonly abandoned?: number;
  /** The mark was set back to now. */
  readonly wasReset?: boolean;
}

/** The account of a job of which the lease knows nothing yet. Only what falls due after `from` counts. */
export function newEntry({ schedule, attempts }: TickJob, from: number): JobEntry {
  return { mark: from, done: null, schedule: schedule.id, attempts, resets: 0, claim: null, orphanedAt: null };
}

/** Claimed by a holder that allows more attempts than one, and not settled. */
export function isUnfinished({ claim, attempts }: JobEntry): boolean {
  return claim !== null && attempts > 1;
}

/** Whether no clock that is right can have reached the instant. */
export function isFarAhead(instant: number, { now, storeNow }: Pick<TickLook, 'now' | 'storeNow'>): boolean {
  return instant > now + FAR_AHEAD && instant > (storeNow ?? now) + FAR_AHEAD;
}

/** Brings an entry under the job as this replica has it; the same entry if there is nothing to change. */
export function adopted(entry: JobEntry, job: TickJob, { now, storeNow }: TickLook): Ruling {
  const given = isUnfinished(entry) ? { abandoned: entry.mark } : {};
  if (isFarAhead(entry.mark, { now, storeNow })) {
    // Else nothing would run until the clocks have caught up with one that was wrong, a year ahead perhaps.
    const done = entry.done === null ? null : Math.min(entry.done, now);
    const reset = { ...entry, mark: now, done, resets: entry.resets + 1, claim: null };
    return { ...given, entry: { ...reset, schedule: job.schedule.id, orphanedAt: null }, wasReset: true };
  }
  if (entry.schedule !== job.schedule.id) {
    // What the old expression has left over, the new one may never have meant.
    const mark = Math.max(entry.mark, now);
    return { ...given, entry: { ...entry, schedule: job.schedule.id, mark, claim: null, orphanedAt: null } };
  }
  return { entry: entry.orphanedAt === null ? entry : { ...entry, orphanedAt: null } };
}

/**
 * Claims `newest`, the newest tick that is due; `null` if none is: then a tick that an earlier term has not finished is claimed again.
 * Returns the entry itself where there is nothing to claim.
 */
export function claimed(entry: JobEntry, job: TickJob, newest: number | null, { now, term }: TickLook): Ruling {
  const { attempts } = job;
  const open = isUnfinished(entry) && entry.claim!.term !== term ? entry.claim : null;
  // Under one attempt nothing is run again, whatever an earlier setting has promised.
  const exhausted = open !== null && (attempts === 1 || open.used >= attempts);
  const abandoned = exhausted ? { abandoned: entry.mark } : {};
  if (newest !== null) {
    // It inherits the count of the older one. Otherwise work that kills its process would start over and over, with each new tick.
    const used = open !== null && !exhausted ? open.used + 1 : 1;
    // With one attempt it is as good as done: whatever another setting later allows, it is not run again.
    const done = attempts === 1 ? newest : entry.done;
    return { ...abandoned, entry: { ...entry, mark: newest, done, attempts, claim: { term, used } } };
  }
  if (open === null || entry.mark > now) return { entry };
  if (exhausted) return { ...abandoned, entry: { ...entry, claim: null } };
  return { entry: { ...entry, attempts, claim: { term, used: open.used + 1 } } };
}

/** A tick that this process has run to its end, or has begun and put back. */
export interface FinishedRun {
  readonly scheduledAt: number;
  readonly term: string;
  /** As its claim allowed. */
  readonly attempts: number;
  /** It rejected after its term had ended: that is not finished. */
  readonly wasCutShort: boolean;
}

/** Settles the tick, whoever's claim it is by now. */
export function settled(entry: JobEntry, run: FinishedRun): JobEntry {
  if (isSettled(entry, run)) return entry;
  if (run.wasCutShort) return { ...entry, claim: { term: null, used: entry.claim!.used - 1 } };
  if (run.attempts === 1) return { ...entry, claim: null };
  return { ...entry, done: run.scheduledAt, claim: entry.mark <= run.scheduledAt ? null : entry.claim };
}

/** Whether nothing of the run is left to be written. */
export function isSettled(entry: JobEntry, run: FinishedRun): boolean {
  const isItsClaim = isClaimOf(entry, run);
  if (run.attempts === 1) return run.wasCutShort || !isItsClaim;
  return run.wasCutShort ? !isItsClaim : entry.done !== null && entry.done >= run.scheduledAt;
}

/** A claim that was written, or may have been, and of which nothing has started. */
export interface UnstartedClaim {
  readonly scheduledAt: number;
  readonly term: string;
  /** The entry before it. */
  readonly before: JobEntry;
}

/** Takes the claim back, only where it is that very one: the next leader finds the tick as if nobody had claimed it. */
export function takenBack(entry: JobEntry, claim: UnstartedClaim): JobEntry {
  if (!isClaimOf(entry, claim)) return entry;
  const { before } = claim;
  // With one attempt its own claim has settled it; with more, what was settled since stays settled.
  const done = entry.attempts === 1 ? before.done : later(before.done, entry.done);
  const isDone = before.attempts > 1 && done !== null && before.mark <= done;
  return { ...entry, mark: before.mark, done, attempts: before.attempts, claim: isDone ? null : before.claim };
}

/** Whether the entry shows that very claim, term and tick. */
export function isClaimOf(entry: JobEntry, { scheduledAt, term }: { scheduledAt: number; term: string }): boolean {
  return entry.claim !== null && entry.claim.term === term && entry.mark === scheduledAt;
}

/**
 * The ledger of a lease that has none, is another one under the old name, or went back in time: what it shows, joined with what was seen
 * of the one before. With one attempt a tick that somebody may have started since counts as claimed: a deletion loses ticks, it does not
 * double them.
 *
 * @param from no tick after this instant can have been claimed
 */
export function survived(shown: Ledger, remembered: Ledger, from: number): Ledger {
  const names = new Set([...shown.keys(), ...remembered.keys()]);
  const joined = [...names].map((name) => {
    const entry = newer(shown.get(name), remembered.get(name), from);
    return [name, entry.attempts === 1 && entry.mark < from ? raised(entry, from) : entry] as const;
  });
  return new Map(joined);
}

/** Whether nothing that `remembered` says is claimed could be claimed by `shown` again. `from` as above. */
export function covers(shown: Ledger, remembered: Ledger, from: number): boolean {
  return [...remembered].every(([name, entry]) => {
    const other = shown.get(name);
    if (other === undefined || overrules(entry, other, from)) return false;
    return overrules(other, entry, from) || other.mark >= entry.mark;
  });
}

/**
 * Whoever set a mark back has overruled one that no clock could reach. One that can be reached still counts: a store that was restored to
 * before the reset may have been led on from there.
 */
function overrules(entry: JobEntry, other: JobEntry, from: number): boolean {
  return entry.resets > other.resets && other.mark > from;
}

function raised(entry: JobEntry, from: number): JobEntry {
  return { ...entry, mark: from, done: entry.done === null ? null : from, claim: null };
}

function newer(a: JobEntry | undefined, b: JobEntry | undefined, from: number): JobEntry {
  if (a === undefined || b === undefined) return (a ?? b)!;
  if (overrules(a, b, from)) return a;
  if (overrules(b, a, from)) return b;
  const [last, other] = a.mark >= b.mark ? [a, b] : [b, a];
  const done = later(last.done, other.done);
  const isDone = last.attempts > 1 && done !== null && last.mark <= done;
  return { ...last, done, resets: Math.max(a.resets, b.resets), claim: isDone ? null : last.claim };
}

function later(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
