import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Standby } from '../../lib/election/loop/standby.js';
import { Leader } from '../../lib/election/loop/leader.js';
import { warmUp } from '../../lib/lifecycle/warm-up.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('plays a term, its release and the takeover, and leaves nothing behind', async () => {
  const claim = vi.spyOn(Standby.prototype, 'claim');
  const begin = vi.spyOn(Leader.prototype, 'begin');
  const letGo = vi.spyOn(Leader.prototype, 'leave');
  const warmingUp = warmUp();
  for (let ms = 0; ms < 50; ms++) await vi.advanceTimersByTimeAsync(1);
  await warmingUp;
  expect(claim).toHaveBeenCalledTimes(2);
  expect(begin).toHaveReturnedTimes(2);
  expect(begin).toHaveReturnedWith(true);
  expect(letGo).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
