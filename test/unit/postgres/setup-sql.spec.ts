import { describe, expect, it } from 'vitest';
import { postgresLease, postgresLeaseSql } from '../../../lib/stores/postgres/index.js';

describe('names of schema and table', () => {
  it('are quoted wherever they stand', () => {
    const sql = postgresLeaseSql({ schema: `We"ird`, table: `le'ase`, grantTo: 'app "role"' });
    expect(sql).toContain(`CREATE TABLE "We""ird"."le'ase" (`);
    expect(sql).toContain(`to_regclass('"We""ird"."le''ase"')`);
    expect(sql).toContain(`TO "app ""role"""`);
  });

  it.each([[''], ['a'.repeat(60)], ['a$b'], ['a\\b'], ['a\0b'], ['é'.repeat(30)]])('%j is no table', (table) => {
    expect(() => postgresLeaseSql({ table })).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });
});

describe('the role that gets the rights', () => {
  it.each(['a$b', '$setup$', 'x$setup$; DROP TABLE users; $setup1$', 'back\\slash', 'UPPER', "quo'te"])(
    '%j stays a name',
    (grantTo) => {
      const sql = postgresLeaseSql({ grantTo });
      expect(sql).toContain(`TO "${grantTo}"`);
      const [, tag] = /^DO (\$\w+\$)/.exec(sql)!;
      // Nothing but the end of the statement ends its quotes.
      expect(sql.split(tag!)).toEqual(['DO ', expect.anything(), '']);
    },
  );

  it.each(['', 'public', 'none', 'a\0b', 'x'.repeat(64), '\ud800'])('%j is none', (grantTo) => {
    expect(() => postgresLeaseSql({ grantTo })).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
    expect(() => postgresLease({ connection: 'postgres://', owner: grantTo })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });
});

describe('the name of a lease', () => {
  it.each(['a\0b', '\ud800', 'x'.repeat(1_001)])('that Postgres cannot keep as it is is refused: %#', (name) => {
    const store = postgresLease({ client: { query: async () => [] } });
    expect(() => store.open({ name })).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
    expect(() => store.open({ name: 'a', namespace: name })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });
});

describe('the way to the database', () => {
  it('is one, and exactly one', () => {
    const client = { query: async () => [] };
    expect(() => postgresLease({})).toThrow(/none of/);
    expect(() => postgresLease({ client, connection: 'postgres://' })).toThrow(/more than one/);
    expect(postgresLease({ client }).name).toBe('postgres');
  });
});
