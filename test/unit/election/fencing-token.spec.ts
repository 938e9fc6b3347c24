import { describe, expect, it } from 'vitest';
import { ElectorFleet } from '../../support/elector-fleet.js';
import { tampered } from '../../support/hostile-store.js';

describe('a fencing token', () => {
  it('carries the epoch in its high bits and the store in its low ones', async () => {
    const fleet = new ElectorFleet();
    const { elector } = await fleet.join({ fencingEpoch: 127 });
    expect(elector.requireTerm().fencingToken).toBe((127n << 56n) + 1n);
    expect(elector.requireTerm().fencingToken).toBeLessThan(1n << 63n);
    await fleet.stop();
  });

  it('that does not fit is refused: no term begins, and status() says what to do', async () => {
    const fleet = new ElectorFleet();
    const huge = tampered(fleet.store, (handle) => ({
      read: async (signal) => ({ ...(await handle.read(signal)), token: (1n << 56n) - 1n }),
      replace: async (...call) => {
        const outcome = await handle.replace(...call);
        return outcome.kind === 'applied'
          ? { ...outcome, snapshot: { ...outcome.snapshot, token: 1n << 56n } }
          : outcome;
      },
      watch: undefined,
    }));
    const { elector } = await fleet.join({ store: huge });
    expect(elector.status()).toMatchObject({ role: 'standby', lastError: { code: 'TOKEN_OVERFLOW' } });
    await fleet.stop();
    expect(fleet.time.pending).toBe(0);
  });
});
