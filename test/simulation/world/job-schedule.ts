import type { TickSchedule } from '../../../lib/election/ticks/job.js';
import { EPOCH } from './lease-service.js';
import type { JobPlan, ZonePlan } from './plan.js';

/** Ticks at the instants `k * every + phase - shift` that lie in `[from, to)`. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly shift: number;
}

/** Two expressions of one job share no tick: those of the second fall between those of the first, also while the zone is ahead. */
export function scheduleOf({ every, phase, zone }: JobPlan, isChanged: boolean): TickSchedule {
  const stretches = stretchesOf(zone);
  const gridAtOrBefore = (instant: number, { shift }: Stretch): number => {
    const start = phase + (isChanged ? every / 2 : 0) - shift;
    return Math.floor((instant - start) / every) * every + start;
  };
  return {
    id: isChanged ? 'changed' : 'first',
    next(instant) {
      for (const stretch of stretches) {
        const tick = gridAtOrBefore(Math.max(instant, stretch.from - 1), stretch) + every;
        if (tick < stretch.to) return tick;
      }
      return null;
    },
    newest(instant) {
      for (const stretch of stretches.toReversed()) {
        const tick = gridAtOrBefore(Math.min(instant, stretch.to - 1), stretch);
        if (tick >= stretch.from) return tick;
      }
      return null;
    },
  };
}

/**
 * A zone that goes ahead and falls back within minutes, as a real one does within a year. Expressions of a fixed hour run once
 * in the doubled stretch, those of every hour in both.
 */
function stretchesOf(zone: ZonePlan | null): readonly Stretch[] {
  if (zone === null) return [{ from: -Infinity, to: Infinity, shift: 0 }];
  const [ahead, back] = [EPOCH + zone.aheadAt, EPOCH + zone.backAt];
  return [
    { from: -Infinity, to: ahead, shift: 0 },
    { from: ahead, to: back, shift: zone.shift },
    { from: zone.fixed ? back + zone.shift : back, to: Infinity, shift: 0 },
  ];
}
