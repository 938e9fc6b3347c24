import { LeaderElectionConfigError } from './errors.js';
import { quoted } from './report/quoted.js';

/** What callers hand over at run time, from JavaScript or out of a request: a string of digits would be taken for something else. */
const show = (value: unknown) => quoted(typeof value === 'string' ? JSON.stringify(value) : value, 80);

/** @throws LeaderElectionConfigError for anything but a finite number of milliseconds, 0 or more. `right`: what to type. */
export function checkMilliseconds(name: string, value: unknown, right: string): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new LeaderElectionConfigError(
      `${name} is ${show(value)} but must be a number of milliseconds, 0 or more.`,
      `Write ${right}.`,
    );
  }
}

/** @throws LeaderElectionConfigError for a value that is none of `choices`, which are spelled as in code */
export function checkChoice(name: string, value: unknown, choices: readonly unknown[], right: string): void {
  if (value !== undefined && !choices.includes(value)) {
    throw new LeaderElectionConfigError(
      `${name} is ${show(value)} but must be ${choices.map(show).join(' or ')}.`,
      `Write ${right}.`,
    );
  }
}

/** @throws LeaderElectionConfigError where something else stands in the place of an object of options: it would be ignored without a word */
export function checkOptionsObject(method: string, value: unknown, right: string): void {
  if (typeof value !== 'object' || value === null) {
    throw new LeaderElectionConfigError(
      `${method} was given ${show(value)} where it takes an object of options.`,
      `Write ${right}.`,
    );
  }
}

/** @throws LeaderElectionConfigError where something else stands in the place of a signal, a number of milliseconds say */
export function checkSignal(method: string, value: unknown, right: string): void {
  const { aborted, addEventListener } = (value ?? {}) as { aborted?: unknown; addEventListener?: unknown };
  if (value !== undefined && (typeof aborted !== 'boolean' || typeof addEventListener !== 'function')) {
    throw new LeaderElectionConfigError(
      `${method} was given ${show(value)} where it takes an AbortSignal.`,
      `Write ${right}.`,
    );
  }
}

/** @throws LeaderElectionConfigError where something else stands in the place of a function: the promise of work that has begun, whoever leads */
export function checkWork(work: unknown): void {
  if (typeof work !== 'function') {
    throw new LeaderElectionConfigError(
      `runIfLeader was given ${show(work)} where it takes a function: what was called to make that has not asked who leads.`,
      'Write runIfLeader(() => work()).',
    );
  }
}

/** @throws LeaderElectionConfigError for a key that is none of `known`: a typo would leave the default in force without a word */
export function checkKeys(where: string, options: object, known: readonly string[]): void {
  const unknown = Object.entries(options).flatMap(([key, value]) =>
    value === undefined || known.includes(key) ? [] : [key],
  );
  if (unknown.length === 0) return;
  const advice = unknown.map((key) => {
    const meant = nearest(key, known);
    return meant === undefined ? `Leave ${show(key)} out.` : `Write ${meant} for ${show(key)}.`;
  });
  throw new LeaderElectionConfigError(
    `${where} has no option ${unknown.map(show).join(', ')}.`,
    `${advice.join(' ')} There are ${known.join(', ')}.`,
  );
}

/** The name that was most likely meant: the same but for case and separators, or for two letters, or a third of them. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const scored = known.map((name) => ({ name, edits: edits(plain(key), plain(name)) }));
  const best = scored.toSorted((a, b) => a.edits - b.edits)[0];
  return best !== undefined && best.edits <= Math.max(2, best.name.length / 3) ? best.name : undefined;
}

/** How many characters have to be added, left out or changed (Levenshtein 1965). */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, char] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (char === b[j] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
