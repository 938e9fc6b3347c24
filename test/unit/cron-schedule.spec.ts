import { assert, constant, constantFrom, integer, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cronSchedule } from '../../lib/schedule/cron-schedule.js';

const HOUR = 3_600_000;
const ZONES = [
  'Europe/Paris',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'America/Santiago',
];
const EXPRESSIONS = [
  '* * * * * *',
  '*/15 * * * *',
  '*/15 2 * * *',
  '30 2 * * *',
  '0 6 * * *',
  '0 0 1 * *',
  '0 9-17 * * 1-5',
];

/** Instants at which the zone's offset changes, in ten years. */
function transitions(timeZone: string): number[] {
  const offset = (at: number) => {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(at);
    return parts.find(({ type }) => type === 'timeZoneName')!.value;
  };
  const found: number[] = [];
  for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2036, 0, 1); at += 24 * HOUR) {
    if (offset(at) === offset(at + 24 * HOUR)) continue;
    let [low, high] = [at, at + 24 * HOUR];
    while (high - low > 60_000) {
      const middle = (low + high) / 2;
      if (offset(middle) === offset(low)) low = middle;
      else high = middle;
    }
    found.push(high);
  }
  return found;
}

describe('the ticks of a cron expression', () => {
  const changes = new Map(ZONES.map((zone) => [zone, transitions(zone)]));

  it.each(EXPRESSIONS)(
    '%s: next is later, newest is not, and nothing lies between, around every change of the clock',
    (expression) => {
      const arbitrary = constantFrom(...ZONES).chain((zone) => {
        const around = changes.get(zone)!;
        const base = around.length > 0 ? constantFrom(...around) : constant(Date.UTC(2030, 5, 1));
        return tuple(constant(zone), base, integer({ min: -3 * HOUR, max: 3 * HOUR }));
      });
      const schedules = new Map(ZONES.map((zone) => [zone, cronSchedule(expression, zone)]));
      assert(
        property(arbitrary, ([zone, base, distance]) => {
          const at = base + distance;
          const schedule = schedules.get(zone)!;
          const next = schedule.next(at)!;
          const newest = schedule.newest(at)!;
          expect(next).toBeGreaterThan(at);
          expect(newest).toBeLessThanOrEqual(at);
          // The two ways of looking agree: from each of them the other is the neighbour.
          expect(schedule.next(newest)).toBe(next);
          expect(schedule.newest(next)).toBe(next);
          expect(schedule.newest(next - 1)).toBe(newest);
        }),
        { numRuns: 200 },
      );
    },
  );

  it('means around a change of the clock what its page says', () => {
    const quarters = cronSchedule('*/15 2 * * *', 'Europe/Paris');
    const between = (from: number, to: number) => {
      const ticks: number[] = [];
      for (let at = quarters.next(from); at !== null && at <= to; at = quarters.next(at)) ticks.push(at);
      return ticks.length;
    };
    // 29 March 2026 has no hour from two to three, 25 October has two.
    expect(between(Date.UTC(2026, 2, 28, 12), Date.UTC(2026, 2, 29, 12))).toBe(0);
    expect(between(Date.UTC(2026, 9, 24, 12), Date.UTC(2026, 9, 25, 12))).toBe(8);
    const halfPastTwo = cronSchedule('30 2 * * *', 'Europe/Paris');
    const springTick = halfPastTwo.next(Date.UTC(2026, 2, 28, 12))!;
    expect(springTick).toBeLessThan(Date.UTC(2026, 2, 29, 12));
    const autumnTick = halfPastTwo.next(Date.UTC(2026, 9, 24, 12))!;
    expect(halfPastTwo.next(autumnTick)).toBeGreaterThan(Date.UTC(2026, 9, 25, 12));
  });
});
