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

describe('the way to the database', () => {
  it('is one, and exactly one', () => {
    const client = { query: async () => [] };
    expect(() => postgresLease({})).toThrow(/none of/);
    expect(() => postgresLease({ client, connection: 'postgres://' })).toThrow(/more than one/);
    expect(postgresLease({ client }).name).toBe('postgres');
  });
});
