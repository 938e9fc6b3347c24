import { inspect } from 'node:util';

/** What a terminal, or a reader of a log, would take for something else than text: line ends, escape codes, invisible signs, changes of direction. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Somebody else's text as part of a message of ours, on one line and at most `most` characters of it: a holder, a server's answer or
 * a file name could otherwise forge log lines, drive the terminal, or fill the disk.
 */
export function quoted(text: unknown, most = 200): string {
  const whole = inWords(text);
  // Not in the middle of a character.
  const end = /[\uD800-\uDBFF]/.test(whole.charAt(most - 1)) ? most - 1 : most;
  const shown = whole.length > most ? `${whole.slice(0, end)}…` : whole;
  return shown.replace(UNPRINTABLE, escaped);
}

function escaped(character: string): string {
  switch (character) {
    case '\n':
      return String.raw`\n`;
    case '\r':
      return String.raw`\r`;
    case '\t':
      return String.raw`\t`;
    default:
      return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  }
}

/** Whatever was thrown, in words: people throw things that `String()` refuses, and some that refuse to be looked at. */
export function inWords(cause: unknown): string {
  const words = attempted(() =>
    typeof cause === 'string' ? cause : inspect(cause, { depth: 1, breakLength: Number.POSITIVE_INFINITY }),
  );
  return words ?? 'something that cannot be shown';
}

/** What an error says; `undefined` for what is no error, or cannot be asked. */
export function messageOf(cause: unknown): string | undefined {
  return attempted(() => (cause instanceof Error ? String(cause.message) : undefined));
}

/** The same, with where it comes from, on several lines. */
export function stackOf(cause: unknown): string | undefined {
  return attempted(() => (cause instanceof Error ? String(cause.stack ?? cause.message) : undefined));
}

function attempted<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    // An accessor or a proxy that throws: to tell of one failure must not become another.
    return undefined;
  }
}
