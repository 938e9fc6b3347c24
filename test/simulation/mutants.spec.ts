// The time limits are for a machine that is busy with other things: alone, each of these takes seconds.
import { describe, expect, it } from 'vitest';
import { hunt } from './mutants/gate.js';
import { MUTANTS } from './mutants/mutants.js';

/** The whole gate is `npm run test:sim -- --mutants`; here only the bugs that die soon. */
const QUICK = 12;

describe('the judge, given copies of the elector with a known bug each', () => {
  it.each(MUTANTS.filter((m) => m.quick !== false))('catches: $bug', { timeout: 180_000 }, async (mutant) => {
    const { caught, control } = await hunt(mutant, QUICK);
    expect(caught).not.toBeNull();
    expect(control).toBe(true);
  });
});
