import type { Fleet } from '../../e2e/fleet/fleet.js';
import type { Contender } from '../contenders.js';
import type { Lab } from '../lab.js';
import { grantAllLeases } from '../rights.js';
import { Meter } from './meter.js';

/** A leader and its standbys, each with a meter. */
export class MeteredElection {
  private constructor(
    private readonly fleet: Fleet,
    readonly contender: Contender,
    /** The leader's first. */
    readonly meters: readonly Meter[],
  ) {}

  static async of(lab: Lab, contender: Contender, standbys: number): Promise<MeteredElection> {
    const fleet = await lab.fleet();
    // One of the peers watches every Lease of its namespace.
    await grantAllLeases(fleet);
    const start = async (name: string) => new Meter(fleet, await contender.start(fleet, name, true));
    const meters = [await start('leader')];
    await meters[0]!.replica.until('admitted');
    // A few at a time: twenty Node processes that start at once starve the leader of the processor.
    while (meters.length <= standbys) {
      const recruits = Math.min(4, standbys + 1 - meters.length);
      meters.push(...(await Promise.all(Array.from({ length: recruits }, (_, i) => start(`r${meters.length + i}`)))));
    }
    return new MeteredElection(fleet, contender, meters);
  }

  end(): Promise<void> {
    return this.fleet[Symbol.asyncDispose]();
  }
}
