import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PodCluster } from './pod-cluster.js';
import { play, scenarios } from './scenarios.js';

/** A proof takes a second or two; the lease is waited out for four fifths of it at least, as a leader renews every fifth. */
const PROVEN = 0.65;
const WAITED_OUT = 0.7;

let cluster: PodCluster;

beforeAll(async () => {
  cluster = await PodCluster.start();
}, 1_800_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

describe('two replicas, of which one works', () => {
  for (const scenario of scenarios.filter(({ isLong }) => !isLong)) {
    test(scenario.name, async () => {
      // Shorter than the default, as a term has to be older than its lease before a crash of it is proven at once.
      const leaseDuration = scenario.name === 'SIGKILL' ? 15_000 : 8_000;
      const figures = await play(scenario, cluster, { kind: 'ours', replicas: 2, leaseDuration });
      console.log(`${scenario.name}: ${JSON.stringify(figures)}`);

      expect(figures).toMatchObject({ believers: 0, oldTokens: 0 });
      switch (scenario.outcome) {
        case 'soon':
          expect(figures.takeover).toBeLessThan(PROVEN * leaseDuration);
          break;
        case 'waited out':
          expect(figures.takeover).toBeGreaterThan(WAITED_OUT * leaseDuration);
          break;
        case 'stays':
          expect(figures.changes).toBe(0);
          expect(figures.longestGap).toBeLessThan(1_000);
          break;
        case 'any':
          break;
      }
    });
  }
});
