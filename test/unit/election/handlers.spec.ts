import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TermHandlers } from 'nestjs-leader';
import { ElectorFleet, LEASE } from '../../support/elector-fleet.js';

describe('handlers of terms', () => {
  let fleet: ElectorFleet;
  let told: string[];
  const handlers = (over: Partial<TermHandlers> = {}): TermHandlers => ({
    acquired: (term) => void told.push(`acquired ${term.fencingToken}`),
    lost: (term, reason) => void told.push(`lost ${term.fencingToken} ${reason}`),
    ...over,
  });
  beforeEach(() => {
    fleet = new ElectorFleet();
    told = [];
  });
  afterEach(async () => {
    await fleet.stop();
    expect(fleet.time.pending).toBe(0);
  });

  it('hear lost(n) after acquired(n), and acquired(n+1) after lost(n), however slow they are', async () => {
    const slow = handlers({
      lost: async (term) => {
        await new Promise<void>((resolve) => fleet.time.setTimer(resolve, 5_000));
        told.push(`lost ${term.fencingToken}`);
      },
    });
    await fleet.join({}, slow);
    fleet.store.delete(LEASE);
    await fleet.time.advance(100);
    expect(told).toEqual(['acquired 1']);
    await fleet.time.advance(5_000);
    expect(told).toEqual(['acquired 1', 'lost 1', 'acquired 3']);
  });

  it('are not told of a term that was over before its turn came', async () => {
    let release!: () => void;
    await fleet.join({}, handlers({ lost: () => new Promise<void>((resolve) => (release = resolve)) }));
    fleet.store.delete(LEASE);
    await fleet.time.advance(100);
    fleet.store.delete(LEASE);
    await fleet.time.advance(100);
    release();
    await fleet.time.advance(100);
    expect(told).toEqual(['acquired 1', 'acquired 5']);
    setImmediate(() => release());
  });

  it('hear of the end of a term only if they heard of its beginning', async () => {
    const { elector } = await fleet.join();
    elector.onTerms(handlers());
    await elector.stepDown({ cooldown: 0 });
    await fleet.time.advance(100);
    expect(told).toEqual(['acquired 3']);
  });

  for (const call of ['stepDown', 'stop'] as const) {
    it(`may await ${call}() in acquired: it resolves once the gate is shut, and the release follows the handler`, async () => {
      const { elector } = fleet.add(
        {},
        handlers({
          acquired: async () => {
            told.push('acquired');
            await elector[call]();
            told.push('resumed');
          },
        }),
      );
      await elector.start();
      await fleet.time.advance(10);
      expect(told).toEqual(['acquired', 'resumed', `lost 1 ${call === 'stop' ? 'stopped' : 'stepped-down'}`]);
      expect(fleet.lease?.record.holder).toBeNull();
    });

    it(`may await ${call}() in lost without waiting for themselves`, async () => {
      const { elector } = await fleet.join(
        {},
        handlers({
          lost: async () => {
            await elector[call]();
            told.push('resumed');
          },
        }),
      );
      const left = elector.stepDown();
      await fleet.time.advance(10);
      await left;
      expect(told).toEqual(['acquired 1', 'resumed']);
      expect(fleet.lease?.record.holder).toBeNull();
    });
  }

  it('hold the release until lost has settled', async () => {
    let settle!: () => void;
    const { elector } = await fleet.join({}, handlers({ lost: () => new Promise<void>((done) => (settle = done)) }));
    const left = elector.stepDown();
    await fleet.time.advance(10_000);
    expect(fleet.lease?.record.holder).toBe(elector.identity);
    settle();
    await left;
    expect(fleet.lease?.record.holder).toBeNull();
  });

  it('cost the lease nothing when they throw, and show in status()', async () => {
    const { elector, log } = await fleet.join(
      {},
      handlers({
        acquired: () => {
          throw Object.create(null);
        },
      }),
    );
    expect(elector.isLeader()).toBe(true);
    expect(elector.status().lastError).toMatchObject({ code: 'HANDLER_FAILED', count: 1 });
    expect(log.some((line) => line.includes('A leadership handler failed'))).toBe(true);
  });

  it('block no renewal when acquired never returns', async () => {
    const { elector } = await fleet.join({}, handlers({ acquired: () => new Promise(() => {}) }));
    await fleet.time.advance(120_000);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 1 });
  });

  it('run outside admitted work: a loop that they start does not see the term forever', async () => {
    let later: (() => bigint | undefined) | undefined;
    const { elector } = fleet.add(
      {},
      {
        acquired: () => {
          later ??= () => elector.currentTerm()?.fencingToken;
        },
        lost: () => {},
      },
    );
    await elector.start();
    await fleet.time.advance(20);
    await elector.stepDown({ cooldown: 0 });
    await fleet.time.advance(100);
    expect(later!()).toBe(3n);
  });
});
