import { Agenda, type Appointment } from './agenda.js';
import type { Fault } from './faults.js';
import { drainMicrotasks } from './microtasks.js';
import { Random } from './random.js';
import { type Mark, Timeline } from './timeline.js';

/** True time, chance and the record of what happened. Everything that moves in a history is an appointment here. */
export class World {
  /** True time, milliseconds since the history began. No replica can read it. */
  now = 0;
  readonly random: Random;
  readonly counts = new Map<Fault, number>();
  readonly timeline: Timeline | null;
  events = 0;
  /** Fingerprint of the history: same seed, same trace. */
  trace = 0x811c9dc5;
  private readonly agenda = new Agenda();
  private stopped = false;

  constructor(
    readonly seed: number,
    options: { timeline?: boolean } = {},
  ) {
    this.random = new Random(`seed ${seed}`);
    this.timeline = options.timeline ? new Timeline() : null;
  }

  /** How much is still to happen: every timer that runs, every message under way. */
  get pending(): number {
    return this.agenda.size;
  }

  at(time: number, run: () => void): Appointment {
    return this.agenda.add(time < this.now ? this.now : time, run);
  }

  after(delay: number, run: () => void): Appointment {
    return this.agenda.add(this.now + (delay > 0 ? delay : 0), run);
  }

  /** Notes what happened: into the fingerprint always, into the timeline when somebody wants to read it. */
  mark(mark: Mark, node: number, value = 0, subject?: unknown): void {
    this.trace = mix(mix(mix(this.trace, mark * 31 + node), this.now * 1000), value);
    this.timeline?.add(this.now, mark, node, value, subject);
  }

  /** Counts a fault that really struck. A kind that stays at zero is a hole in the simulator. */
  count(kind: Fault): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  stop(): void {
    this.stopped = true;
  }

  run(until: number): void {
    while (!this.stopped) {
      const time = this.agenda.due;
      if (time > until) break;
      const next = this.agenda.take();
      const { run } = next;
      if (run === null) continue;
      next.run = null;
      this.now = time;
      this.events++;
      run();
      drainMicrotasks();
    }
    if (!this.stopped) this.now = until;
  }
}

function mix(hash: number, value: number): number {
  // Both halves of a large number count: a time in microseconds does not fit 32 bits for long.
  const low = Math.imul(hash ^ (value | 0), 0x01000193);
  return Math.imul(low ^ ((value / 4294967296) | 0), 0x01000193) ^ (low >>> 15);
}
