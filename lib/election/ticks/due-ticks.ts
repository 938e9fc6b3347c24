import type { TickJob } from './job.js';
import type { JobEntry } from './ledger.js';

/** Which ticks of a job are due during one term. What was looked up is kept, so that a look at a job costs nothing. */
export class DueTicks {
  /** By job: the first tick after an instant. */
  private readonly known = new Map<
    string,
    { readonly after: number; readonly schedule: string; readonly tick: number | null }
  >();
  /** By job: the newest tick that is too old to be made up for. */
  private readonly passedOver = new Map<string, number>();

  constructor(
    /** Wall clock at the beginning of the term: what fell due before was missed. */
    private beganAt: number,
    private readonly onTooOld: (job: string, tick: number) => void,
  ) {}

  /** The first tick after `instant`. */
  after(job: TickJob, instant: number): number | null {
    const { id } = job.schedule;
    const known = this.known.get(job.name);
    if (known?.after === instant && known.schedule === id) return known.tick;
    const tick = job.schedule.next(instant);
    this.known.set(job.name, { after: instant, schedule: id, tick });
    return tick;
  }

  /** The first tick that is neither claimed nor too old, due or not. */
  next(job: TickJob, { mark }: JobEntry): number | null {
    return this.after(job, Math.max(mark, this.passedOver.get(job.name) ?? mark));
  }

  /** The first unclaimed tick, if it fell due before the term began. */
  missedFrom(job: TickJob, { mark }: JobEntry): number | null {
    const first = this.after(job, mark);
    return first !== null && first <= this.beganAt ? first : null;
  }

  /** The newest tick that is due and not too old; remembers one that is too old, and tells it. */
  newest(job: TickJob, entry: JobEntry, wall: number): number | null {
    this.followBack(job.name, wall);
    const next = this.next(job, entry);
    if (next === null || next > wall) return null;
    const newest = job.schedule.newest(wall);
    // Where the two ways of looking disagree, the way forward holds: it is later than the mark.
    const tick = newest !== null && newest >= next ? newest : next;
    const patience = job.catchUp === true ? Number.POSITIVE_INFINITY : Number(job.catchUp);
    if (tick > this.beganAt || wall - tick <= patience) return tick;
    this.passedOver.set(job.name, tick);
    this.onTooOld(job.name, tick);
    return null;
  }

  /** A term may have begun by a clock that was ahead and was set right since: else nothing would count as on time until then. */
  private followBack(job: string, wall: number): void {
    this.beganAt = Math.min(this.beganAt, wall);
    if ((this.passedOver.get(job) ?? wall) > wall) this.passedOver.delete(job);
  }
}
