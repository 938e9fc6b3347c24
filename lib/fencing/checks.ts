import { quoted } from '../election/report/quoted.js';
import { UnfenceableError } from './unfenceable-error.js';

/** Of the column in `sqlFencingTokenTable()`. */
const LONGEST_NAME = 255;
const ADVICE = 'Make one string of what the handler looks it up by: `account ${Number(params.id)}`.';
/** Databases refuse some of them, and replace others by one and the same. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/**
 * What a resource is called. An object is another key each time, and would never meet the mark that it made; a whole number is the same
 * name as its digits.
 * @throws UnfenceableError for what is no name
 */
export function resourceName(value: unknown): string {
  const name = Number.isSafeInteger(value) || typeof value === 'bigint' ? String(value) : value;
  if (typeof name !== 'string' || name.trim() === '') {
    throw new UnfenceableError(
      `The name of a fenced resource must be a string that is not empty, not ${kindOf(name)}.`,
      ADVICE,
    );
  }
  if (name.length > LONGEST_NAME) {
    throw new UnfenceableError(
      `The name of a fenced resource has at most ${LONGEST_NAME} characters, not ${name.length}: "${quoted(name, 40)}".`,
      ADVICE,
    );
  }
  if (UNPRINTABLE.test(name))
    throw new UnfenceableError(`The name of a fenced resource must be printable: "${quoted(name, 80)}".`, ADVICE);

  return name;
}

/** @throws UnfenceableError for what no term can have as its token */
export function checkToken(token: unknown): asserts token is bigint {
  if (typeof token !== 'bigint' || token < 0n || token >= 2n ** 63n) {
    throw new UnfenceableError(
      `A fencing token is a bigint from 0 to 2^63 - 1, not ${typeof token === 'bigint' ? 'one beyond them' : kindOf(token)}.`,
      'Take it from a header or a message with parseFencingToken(text), which gives null for what is none.',
    );
  }
}

/** Its value stays out: whoever sends a request chose it. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (value === '' || (typeof value === 'string' && value.trim() === '')) return 'an empty one';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
