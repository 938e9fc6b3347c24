/** Something that will happen at an instant of true time. `run` is null once it happened or was called off. */
export interface Appointment {
  readonly order: number;
  run: (() => void) | null;
}

/** A binary heap of appointments; equal instants keep the order in which they were made. */
export class Agenda {
  /** Apart from the appointments, in an array of their own: V8 keeps such numbers unboxed. */
  private readonly times: number[] = [];
  private readonly entries: Appointment[] = [];
  private made = 0;

  /** When the next appointment is; Infinity without one. */
  get due(): number {
    return this.times.length === 0 ? Number.POSITIVE_INFINITY : this.times[0]!;
  }

  /** Appointments that were not called off. */
  get size(): number {
    return this.entries.filter(({ run }) => run !== null).length;
  }

  add(time: number, run: () => void): Appointment {
    const { times, entries } = this;
    const entry: Appointment = { order: this.made++, run };
    let i = times.length;
    times.push(time);
    entries.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      // The newest of equals comes last.
      if (times[parent]! <= time) break;
      times[i] = times[parent]!;
      entries[i] = entries[parent]!;
      i = parent;
    }
    times[i] = time;
    entries[i] = entry;
    return entry;
  }

  /** Takes the next appointment out. There must be one. */
  take(): Appointment {
    const { times, entries } = this;
    const top = entries[0]!;
    const lastTime = times.pop()!;
    const last = entries.pop()!;
    const { length } = times;
    if (length === 0) return top;
    let i = 0;
    for (let child = 1; child < length; child = 2 * i + 1) {
      if (child + 1 < length && this.isBefore(child + 1, times[child]!, entries[child]!)) child++;
      if (!this.isBefore(child, lastTime, last)) break;
      times[i] = times[child]!;
      entries[i] = entries[child]!;
      i = child;
    }
    times[i] = lastTime;
    entries[i] = last;
    return top;
  }

  private isBefore(index: number, time: number, { order }: Appointment): boolean {
    const own = this.times[index]!;
    return own < time || (own === time && this.entries[index]!.order < order);
  }
}
