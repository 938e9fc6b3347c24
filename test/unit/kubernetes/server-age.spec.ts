import { describe, expect, it } from 'vitest';
import type { LeaseObject } from '../../../lib/stores/kubernetes/lease-object.js';
import { serverAge } from '../../../lib/stores/kubernetes/server-age.js';
import { leaseScene, patient } from '../../kubernetes/lease-scene.js';

const lease = (...times: string[]) =>
  ({
    metadata: { creationTimestamp: '2026-11-23T11:00:00Z', managedFields: times.map((time) => ({ time })) },
  }) as unknown as LeaseObject;
const noon = (seconds: number) => `Mon, 23 Nov 2026 12:00:${String(seconds).padStart(2, '0')} GMT`;

describe('the age of a lease by the clock of the API server', () => {
  it('is told only to those who ask for it', async () => {
    const careful = await leaseScene();
    await careful.write();
    expect((await careful.handle.read(patient())).lease).not.toHaveProperty('age');
    const trusting = await leaseScene({ trustServerClock: true });
    await trusting.write();
    expect((await trusting.handle.read(patient())).lease?.age).toBe(0);
  });

  it('is never more than the true one: both stamps are cut to whole seconds', () => {
    // Written at 12:00:00.999, answered at 12:00:10.000: nine seconds and a bit.
    expect(serverAge(lease('2026-11-23T12:00:00Z'), noon(10))).toBe(9000);
    expect(serverAge(lease('2026-11-23T12:00:10Z'), noon(10))).toBe(0);
    expect(serverAge(lease('2026-11-23T12:00:30Z'), noon(10))).toBe(0);
  });

  it('counts from the newest change, whoever made it', () => {
    expect(serverAge(lease('2026-11-23T11:59:00Z', '2026-11-23T12:00:05Z'), noon(10))).toBe(4000);
  });

  it('is not guessed without a date', () => {
    expect(serverAge(lease('2026-11-23T12:00:00Z'), undefined)).toBeUndefined();
    expect(serverAge({ metadata: {} } as LeaseObject, noon(10))).toBeUndefined();
  });
});
