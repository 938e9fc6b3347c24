import { playHistory } from '../history.js';
import { PROMISES } from '../judge/promises.js';
import { PROFILES } from '../profiles.js';
import { shipped } from '../shipped.js';
import { MUTANTS, type Mutant } from './mutants.js';
import { mutate } from './mutate.js';

export interface Catch {
  mutant: Mutant;
  /** Null if it survived. */
  caught: { seed: number; seeds: number; promise: string; what: string } | null;
  /** Whether the unmutated elector keeps every promise in the seed that caught the mutant. */
  control: boolean;
}

/** Plays a mutant until it is caught. Seeds are consecutive, so the count is what an unlucky reader needs too. */
export async function hunt(mutant: Mutant, most: number): Promise<Catch> {
  const create = await mutate(mutant);
  const plan = PROFILES[mutant.profile];
  for (let seed = 1; seed <= most; seed++) {
    const { breach } = await playHistory(plan(seed), create);
    if (!breach) continue;
    const control = (await playHistory(plan(seed), shipped)).breach === null;
    return { mutant, caught: { seed, seeds: seed, promise: breach.promise, what: breach.what }, control };
  }
  return { mutant, caught: null, control: true };
}

export async function gate(most: number): Promise<boolean> {
  console.log('| bug | origin | broken promise | seeds needed |\n|---|---|---|---|');
  let sound = true;
  for (const mutant of MUTANTS) {
    const { caught, control } = await hunt(mutant, most);
    sound &&= caught !== null && control;
    const promise = caught ? `${caught.promise}: ${PROMISES[caught.promise as keyof typeof PROMISES]}` : '**survives**';
    console.log(
      `| ${mutant.bug} | ${mutant.origin} | ${promise}${control ? '' : ' (and so does the original!)'} | ${caught?.seeds ?? `> ${most}`} |`,
    );
  }
  return sound;
}
