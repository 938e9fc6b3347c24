import type { Chance, Clock } from '../../../lib/election/clock/clock.js';
import type { Exit, Leaver } from '../../../lib/election/exit/exit.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';

/** One run of the application on a machine, from its start to its exit or crash. Its clock and chance are the elector's ports. */
export class Process implements Clock, Chance, Exit {
  alive = true;
  /** When it has had its last word, whether or not it lives on, true time; and how much of the work that ran then still runs. */
  exitedAt = Number.NEGATIVE_INFINITY;
  workLeft = 0;
  readonly leavers = new Set<Leaver>();
  /** As it calls itself in the lease. */
  identity = '';
  /** The latest write of its own that it knows to have been applied, told by an answer, and shown by a watch, which it need not believe. */
  readonly confirmed = { answer: 0, watch: 0 };
  /** The newest state that it has been shown, as `ordinal()` counts them; so is `confirmed`. */
  newest = 0;
  /** As `newest`, by answers alone. */
  newestAnswer = 0;
  /** True time until which the service has asked it not to ask again. */
  readonly leftAloneUntil = { read: Number.NEGATIVE_INFINITY, watch: Number.NEGATIVE_INFINITY };

  constructor(
    readonly machine: Machine,
    readonly incarnation: number,
    private readonly luck: Random,
    /** Milliseconds of its clock for which it obeys at most: its lease must not stay without a holder for longer. */
    readonly longestObedience = 15_000,
  ) {}

  get node(): number {
    return this.machine.index;
  }

  /** Whether it executes anything at this instant. */
  get running(): boolean {
    return this.alive && this.machine.running;
  }

  join(leaver: Leaver): () => void {
    this.leavers.add(leaver);
    return () => void this.leavers.delete(leaver);
  }

  stayLast(): void {}

  obstacle(): null {
    return null;
  }

  kill(): void {
    this.alive = false;
  }

  deliver(run: () => void): void {
    if (!this.alive) return;
    if (this.machine.running) run();
    else this.machine.deliver(() => this.alive && run());
  }

  now(): number {
    return this.machine.monotonic();
  }

  wall(): number {
    return this.machine.wall();
  }

  boot(): number | undefined {
    return this.machine.boot();
  }

  setTimer(callback: () => void, delay: number): () => void {
    const { machine } = this;
    const begun = machine.monotonic();
    const due = begun + (delay > 0 ? delay : 0);
    let waiting = true;
    // Node fires a timer late, never early: usually by less than a millisecond, now and then by what the loop was busy with.
    const lateness = this.luck.chance(0.02) ? this.luck.between(1, 40) : this.luck.next();
    const fire = (): void => {
      if (!waiting || !this.alive) return;
      if (!machine.running) return machine.deliver(fire, true);
      const missing = due - machine.monotonic();
      if (missing > 1e-6) {
        // The monotonic clock stood still meanwhile.
        appointment = machine.world.after(missing / machine.clocks.rate, fire);
        return;
      }
      waiting = false;
      callback();
    };
    let appointment = machine.world.after((due - begun) / machine.clocks.rate + lateness, fire);
    return () => {
      waiting = false;
      appointment.run = null;
    };
  }

  random(): number {
    return this.luck.next();
  }

  uuid(): string {
    // Small integers, because V8 writes them out ten times as fast as others.
    return `${this.luck.below(0x40000000)}-${this.luck.below(0x40000000)}`;
  }
}

/** Our replicas are given identities that begin with `r`, client-go's begin with `g`, people have names. */
export function isOurs(identity: string): boolean {
  return /^r\d/.test(identity);
}
