import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkWorkLog } from '../../../sample/01-cron/tour/work-log.js';

describe('the check of the work log that ends the tour', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'work-log-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const written = (...entries: { token: string; pid: number }[]) => {
    const file = join(folder, 'work.log');
    writeFileSync(file, entries.map((entry) => `${JSON.stringify({ job: 'tick', ...entry })}\n`).join(''));
    return file;
  };

  it('counts the entries and names the terms in order', () => {
    const file = written({ token: '9', pid: 1 }, { token: '9', pid: 1 }, { token: '10', pid: 2 });
    expect(checkWorkLog(file)).toEqual({ entries: 3, tokens: [9n, 10n] });
  });

  it('refuses work of an older term after that of a newer one', () => {
    const file = written({ token: '9', pid: 1 }, { token: '10', pid: 2 }, { token: '9', pid: 1 });
    expect(() => checkWorkLog(file)).toThrow('entry 3 has token 9 after 10');
  });

  it('refuses one term in two processes', () => {
    const file = written({ token: '9', pid: 1 }, { token: '9', pid: 2 });
    expect(() => checkWorkLog(file)).toThrow('token 9 was used by two processes');
  });
});
