import { describe, expect, it } from 'vitest';
import { LeaseStoreError } from '../../../lib/election/errors.js';
import { errorOf, outcomeOf, QueryFailure } from '../../../lib/stores/postgres/errors.js';

const said = (code: string, message = 'said the server') => Object.assign(new Error(message), { code });

describe('what is told of a write that brought no row', () => {
  it.each([
    ['a refusal of the server', said('42501'), 'rejected'],
    ['a read-only server', said('25006'), 'rejected'],
    ['a statement that was cancelled', said('57014'), 'rejected'],
    ['a serialisation failure', said('40001'), 'conflict'],
    ['a deadlock', said('40P01'), 'conflict'],
    ['a rival that created first', said('23505'), 'conflict'],
    ['a server that shuts down', said('57P01'), 'unknown'],
    ['a server that crashes', said('57P02'), 'unknown'],
    ['a failing connection', said('08006'), 'unknown'],
    ['an inner error of the server', said('XX000'), 'unknown'],
    ['a completion that is unknown', said('40003'), 'unknown'],
    ['a connection that was reset', said('ECONNRESET'), 'unknown'],
    ['a pipe that broke, whose code looks like one of the server', said('EPIPE'), 'unknown'],
    [
      'an error of the system',
      Object.assign(new Error('write'), { code: 'ABCDE', errno: -32, syscall: 'write' }),
      'unknown',
    ],
    ['a code that nobody knows', said('ZZ999'), 'unknown'],
    ['a transaction that is none of ours', said('2D000'), 'rejected'],
    ['a transaction that has failed', said('25P02'), 'rejected'],
    ['a session that was ended inside a transaction', said('25P03'), 'unknown'],
    ['a transaction that lasted too long', said('25P04'), 'unknown'],
    ['a session that was ended for being idle', said('57P05'), 'unknown'],
    ['a lock that was not to be had in time', said('55P03'), 'rejected'],
    ['a queue of notifications that is full', said('54000'), 'rejected'],
    ['a disk that is full, perhaps in the middle of a commit', said('53100'), 'unknown'],
    ['an I/O error', said('58030'), 'unknown'],
    ['an exception of a trigger', said('P0001'), 'rejected'],
    ['an error without a code', new Error('Connection terminated unexpectedly'), 'unknown'],
  ])('%s: %#', (_, cause, kind) => {
    expect(outcomeOf(QueryFailure.of(cause)).kind).toBe(kind);
  });

  it('nothing was sent: certainly nothing was written, whatever went wrong', () => {
    expect(outcomeOf(new QueryFailure('not-sent', said('ECONNREFUSED'))).kind).toBe('rejected');
    expect(outcomeOf(new QueryFailure('not-sent', said('57P03'))).kind).toBe('rejected');
  });
});

describe('what the server said is found in what libraries wrap around it', () => {
  it.each([
    ['node-postgres', said('42501')],
    ['TypeORM', Object.assign(new Error('QueryFailedError'), { driverError: said('42501') })],
    ['Drizzle', new Error('Failed query', { cause: said('42501') })],
    [
      'Prisma',
      Object.assign(new Error('Raw query failed'), {
        code: 'P2010',
        meta: { driverAdapterError: Object.assign(new Error(), { cause: { originalCode: '42501' } }) },
      }),
    ],
  ])('%s', (_, cause) => {
    const error = errorOf(QueryFailure.of(cause));
    expect(error).toBeInstanceOf(LeaseStoreError);
    expect(error.code).toBe('STORE_FORBIDDEN');
    expect(error.advice).toContain('postgresLeaseSql');
  });

  it('a text of the server stays one line, and short', () => {
    const { message } = errorOf(QueryFailure.of(said('42501', `denied\n\u001b[2J${'x'.repeat(10_000)}`)));
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(300);
  });

  it("Prisma's own codes are not the server's", () => {
    expect(QueryFailure.of(said('P2010')).sqlState).toBeUndefined();
  });
});
