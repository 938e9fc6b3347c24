import { LeaderElectionConfigError } from '../errors.js';
import type { ElectionOptions } from '../options.js';
import { quoted } from '../report/quoted.js';

/** Every duration of an election, resolved and checked. Milliseconds. */
export interface Timings {
  readonly leaseDuration: number;
  readonly renewDeadline: number;
  readonly renewInterval: number;
  readonly retryPeriod: number;
  readonly requestTimeout: number;
  readonly takeoverGrace: number;
  readonly drainTimeout: number;
  /** Granularity of times in the store. */
  readonly resolution: number;
}

/** client-go that is cut off leads on for as much as this after its lease has ended: 2 s with its recommended durations, and some margin. */
const TAKEOVER_GRACE = 2_500;
const LONGEST = 2 ** 31 - 1;
/** Also what tells 15 seconds from 15 milliseconds on a store that would take either. */
const SHORTEST_LEASE = 100;
/** client-go spreads its retries by up to this factor and refuses deadlines that leave no room for one. */
const JITTER_FACTOR = 1.2;

const DURATIONS = [
  'leaseDuration',
  'renewDeadline',
  'renewInterval',
  'retryPeriod',
  'requestTimeout',
  'takeoverGrace',
  'drainTimeout',
  'resolution',
] as const satisfies (keyof Timings)[];
const MAY_BE_ZERO: readonly (keyof Timings)[] = ['takeoverGrace', 'drainTimeout'];

/**
 * Defaults derive from `leaseDuration` in the proportions that the simulator favours; rules are client-go's, and the margin rule
 * that keeps two believers apart while clock rates differ.
 * @throws LeaderElectionConfigError with every rule that is broken, not only the first
 */
export function resolveTimings(options: ElectionOptions): Timings {
  const resolution = options.store.resolution ?? 1;
  const leaseDuration = options.leaseDuration ?? 15_000;
  const coarse = resolution >= 1000;
  const smallestMargin = Math.max(coarse ? 1000 : 0, leaseDuration * 0.1);
  const timings: Timings = {
    leaseDuration,
    renewDeadline:
      options.renewDeadline ?? Math.max(1, Math.min(Math.round(leaseDuration * 0.8), leaseDuration - smallestMargin)),
    renewInterval: options.renewInterval ?? Math.max(Math.round(leaseDuration * 0.2), resolution),
    retryPeriod: options.retryPeriod ?? Math.round((leaseDuration * 2) / 15),
    requestTimeout: options.requestTimeout ?? Math.round((leaseDuration * 2) / 15),
    takeoverGrace: options.takeoverGrace ?? TAKEOVER_GRACE,
    drainTimeout: options.drainTimeout ?? 20_000,
    resolution,
  };
  const refuse = (broken: string[], advice: string | undefined) => {
    if (broken.length > 0) {
      throw new LeaderElectionConfigError(
        `Election of lease "${quoted(options.leaseName)}": ${broken.join('; ')}.`,
        advice,
      );
    }
  };
  // First what was given: what derives from a value that is no number would be a second line for one cause.
  refuse(notMilliseconds({ ...options, resolution }), undefined);
  refuse(brokenRules(timings, smallestMargin), looksLikeSeconds(options) ?? leaveOut(options));
  return timings;
}

function notMilliseconds(given: Partial<Record<keyof Timings, unknown>>): string[] {
  return DURATIONS.flatMap((name) => {
    const value = given[name];
    const least = MAY_BE_ZERO.includes(name) ? 0 : 1;
    const isRight = typeof value === 'number' && Number.isInteger(value) && value >= least && value <= LONGEST;
    if (value === undefined || isRight) return [];
    return [
      `${name} is ${show(value)} but must be a whole number of milliseconds from ${least} to ${LONGEST}${hint(name, value)}`,
    ];
  });
}

/** What to type. Values of the environment are strings, and `Number` of one that is not set is NaN. */
function hint(name: string, value: unknown): string {
  if (Number.isNaN(value)) return ': Number() of a variable that is not set is NaN';
  const [, count, unit = 'ms'] = (typeof value === 'string' && /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m)?\s*$/.exec(value)) || [];
  if (count === undefined) return '';
  const milliseconds = Math.round(Number(count) * { ms: 1, s: 1000, m: 60_000 }[unit as 'ms' | 's' | 'm']);
  return `: write ${name}: ${milliseconds}${unit === 'ms' ? ', or Number() of the variable' : ''}`;
}

function brokenRules(t: Timings, smallestMargin: number): string[] {
  const broken: string[] = [];
  const rule = (holds: boolean, text: string) => holds || broken.push(text);
  if (t.leaseDuration < SHORTEST_LEASE) {
    return [
      `leaseDuration (${t.leaseDuration}) must be at least ${SHORTEST_LEASE}: a busy event loop alone would end every term`,
    ];
  }

  rule(
    t.leaseDuration > t.renewDeadline,
    `leaseDuration (${t.leaseDuration}) must be greater than renewDeadline (${t.renewDeadline})`,
  );
  rule(
    t.renewDeadline > JITTER_FACTOR * t.retryPeriod,
    `renewDeadline (${t.renewDeadline}) must be greater than ${JITTER_FACTOR} × retryPeriod (${t.retryPeriod})`,
  );
  rule(
    t.leaseDuration - t.renewDeadline >= smallestMargin,
    `leaseDuration − renewDeadline (${t.leaseDuration - t.renewDeadline}) must be at least ${smallestMargin}: it is the margin for clocks that run at different rates`,
  );
  rule(
    t.renewInterval >= t.resolution,
    `renewInterval (${t.renewInterval}) must be at least ${t.resolution}: others see renewals only in steps of that`,
  );
  rule(
    t.renewInterval + t.requestTimeout < t.renewDeadline,
    `renewInterval (${t.renewInterval}) + requestTimeout (${t.requestTimeout}) must be less than renewDeadline (${t.renewDeadline}): else one lost request ends the term`,
  );
  return broken;
}

function leaveOut(options: ElectionOptions): string {
  const names = [
    'renewDeadline',
    'renewInterval',
    'retryPeriod',
    'requestTimeout',
    'takeoverGrace',
    'drainTimeout',
  ] as const;
  return names.some((name) => options[name] !== undefined)
    ? 'Leave out everything but leaseDuration: the others derive from it.'
    : 'Leave leaseDuration out, or make it longer: 15000 is the default, and all others derive from it.';
}

function looksLikeSeconds(options: ElectionOptions): string | undefined {
  const names = ['leaseDuration', 'renewDeadline', 'retryPeriod', 'renewInterval', 'requestTimeout'] as const;
  const name = names.find((n) => typeof options[n] === 'number' && options[n] > 0 && options[n] < SHORTEST_LEASE);
  return name && `${name}: ${options[name]} looks like seconds; durations are milliseconds: ${options[name]! * 1000}.`;
}

function show(value: unknown): string {
  return quoted(typeof value === 'string' ? JSON.stringify(value) : value, 80);
}
