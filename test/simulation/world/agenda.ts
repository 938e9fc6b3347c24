/** Something that will happen at an instant of true time. `run` is null once it happened or was called off. */
export interface Appointment {
  readonly time: number;
  readonly order: number;
  run: (() => void) | null;
}

/** A binary heap of appointments; equal instants keep the order in which they were made. */
export class Agenda {
  private readonly heap: Appointment[] = [];
  private made = 0;

  add(time: number, run: () => void): Appointment {
    const entry: Appointment = { time, order: this.made++, run };
    const heap = this.heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent]!;
      if (!before(entry, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
    return entry;
  }

  next(): Appointment | undefined {
    const heap = this.heap;
    const top = heap[0];
    if (!top) return undefined;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Appointment, b: Appointment): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
