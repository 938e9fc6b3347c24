import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Contention } from '../../lib/election/contention.js';
import { Incumbency } from '../../lib/election/incumbency.js';
import { rehearse } from '../../lib/rehearsal.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('plays a term, its release and the takeover, and leaves nothing behind', async () => {
  const claim = vi.spyOn(Contention.prototype, 'claim');
  const begin = vi.spyOn(Incumbency.prototype, 'begin');
  const letGo = vi.spyOn(Incumbency.prototype, 'letGo');
  const rehearsal = rehearse();
  for (let ms = 0; ms < 50; ms++) await vi.advanceTimersByTimeAsync(1);
  await rehearsal;
  expect(claim).toHaveBeenCalledTimes(2);
  expect(begin).toHaveReturnedTimes(2);
  expect(begin).toHaveReturnedWith(true);
  expect(letGo).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
