import { describe, expect, it } from 'vitest';
import { NotLeaderError, isNotLeaderError } from 'nestjs-leader';

describe('errors', () => {
  it('are recognised by their brand, not by the class that a second copy of the package would not share', () => {
    const fromAnotherCopy = Object.assign(new Error('x'), {
      [Symbol.for('nestjs-leader:error')]: true,
      code: 'NOT_LEADER',
    });
    expect(isNotLeaderError(fromAnotherCopy)).toBe(true);
    expect(isNotLeaderError(new NotLeaderError('default'))).toBe(true);
    expect(isNotLeaderError(new Error('NOT_LEADER'))).toBe(false);
  });
});
