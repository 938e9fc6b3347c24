import { describe, expect, it } from 'vitest';
import { quoted } from '../../../lib/election/report/quoted.js';

describe('text of somebody else in a message', () => {
  it('is left alone where it is harmless', () => {
    expect(quoted('worker-7f9c_2b1d, größer 東京 👍 "x" \\n')).toBe('worker-7f9c_2b1d, größer 東京 👍 "x" \\n');
  });

  it('stays on its line', () => {
    expect(quoted('a\nERROR forged\r\n\tb\u2028c\u2029d\u0085e')).toBe(
      String.raw`a\nERROR forged\r\n\tb\u{2028}c\u{2029}d\u{85}e`,
    );
  });

  it('drives no terminal', () => {
    expect(quoted('\u001b[2J\u009b31m\u0007\u0000\u007f')).toBe(String.raw`\u{1b}[2J\u{9b}31m\u{7}\u{0}\u{7f}`);
  });

  it('neither hides nor turns what stands around it', () => {
    expect(quoted('a\u202etxt.exe\u2066b\u200bc\ufeffd\u{e0041}')).toBe(
      String.raw`a\u{202e}txt.exe\u{2066}b\u{200b}c\u{feff}d\u{e0041}`,
    );
  });

  it('may be half a character', () => {
    expect(quoted('\ud83d')).toBe(String.raw`\u{d83d}`);
  });

  it('is cut, and not in the middle of a character', () => {
    expect(quoted('x'.repeat(200))).toBe('x'.repeat(200));
    expect(quoted('x'.repeat(1_000_000))).toBe(`${'x'.repeat(200)}…`);
    expect(quoted('abcdef', 3)).toBe('abc…');
    expect(quoted('ab👍cd', 3)).toBe('ab…');
  });

  it('need not be text', () => {
    expect(quoted(undefined)).toBe('undefined');
    expect(quoted(7n)).toBe('7n');
    expect(quoted({ a: 'b\nc' })).toBe(String.raw`{ a: 'b\nc' }`);
    expect(quoted(Object.create(null))).toBe('[Object: null prototype] {}');
    expect(quoted(Symbol('x'))).toBe('Symbol(x)');
    const broken = () => {
      throw new Error('broken');
    };
    expect(quoted({ [Symbol.for('nodejs.util.inspect.custom')]: broken })).toBe('something that cannot be shown');
  });
});
