import { assert, constantFrom, integer, property, tuple } from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cronSchedule } from '../../lib/schedule/cron-schedule.js';

const HOUR = 3_600_000;
const EXPRESSIONS = [
  '* * * * * *',
  '*/15 * * * *',
  '*/15 2 * * *',
  '30 2 * * *',
  '30 0 * * *',
  '0 6 * * *',
  '0 0 1 * *',
  '0 9-17 * * 1-5',
];
/** More for a long look, outside `npm test`. */
const RUNS = Number(process.env.CRON_RUNS ?? 300);

/** Instants of the ten years from 2026 at which the zone's offset changes, to the second, with the offset from then on. */
function transitions(timeZone: string): Map<number, string> {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const offset = (at: number) => format.formatToParts(at).find(({ type }) => type === 'timeZoneName')!.value;
  const found = new Map<number, string>();
  let [from, before] = [Date.UTC(2026, 0, 1), offset(Date.UTC(2026, 0, 1))];
  for (let week = 1; week <= 522; week += 3) {
    const to = Date.UTC(2026, 0, 1 + 7 * week);
    const after = offset(to);
    if (after !== before) {
      let [low, high] = [from, to];
      while (high - low > 1000) {
        const middle = low + Math.ceil((high - low) / 2000) * 1000;
        if (middle === high) break;
        if (offset(middle) === before) low = middle;
        else high = middle;
      }
      found.set(high, after);
    }
    [from, before] = [to, after];
  }
  return found;
}

/** One zone for each set of changes: most of the others share theirs. */
function changingZones(): Map<string, number[]> {
  const zones = new Map<string, [string, number[]]>();
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const changes = transitions(zone);
    const key = [...changes].join();
    if (changes.size > 0 && !zones.has(key)) zones.set(key, [zone, [...changes.keys()]]);
  }
  return new Map(zones.values());
}

describe('the ticks of a cron expression', () => {
  const changes = changingZones();
  afterEach(() => vi.useRealTimers());

  it('are looked at in every zone that changes its clock', () => {
    expect(changes.size).toBeGreaterThan(20);
    // Morocco's clock goes back for Ramadan, Lord Howe's by half an hour, Troll's by two.
    for (const zone of ['Africa/Casablanca', 'Australia/Lord_Howe', 'Antarctica/Troll'])
      expect([...changes.keys()]).toContain(zone);
  });

  it.each(EXPRESSIONS.flatMap((expression) => [1, 7].map((month) => [expression, month] as const)))(
    '%s, asked in month %i: next is later, newest is not, and nothing lies between, around every change of the clock',
    (expression, month) => {
      vi.useFakeTimers({ now: Date.UTC(2026, month - 1, 15), toFake: ['Date'] });
      const schedules = new Map([...changes.keys()].map((zone) => [zone, cronSchedule(expression, zone)]));
      const moment = constantFrom(...changes).chain(([zone, instants]) =>
        tuple(constantFrom(zone), constantFrom(...instants), integer({ min: -3 * HOUR, max: 3 * HOUR })),
      );
      assert(
        property(moment, ([zone, base, distance]) => {
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
        // At the second of a change croner goes through the whole missing hour of such a job: a tenth of a second each time.
        { numRuns: expression === '* * * * * *' ? RUNS / 10 : RUNS },
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
