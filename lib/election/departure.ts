import type { CandidacyHost } from './candidacy-host.js';
import { settlesWithin } from './deadline.js';
import { outsideAnyCall } from './gate.js';
import type { CandidacySetup } from './lease.js';
import type { Term } from './term.js';

export interface DepartureSteps {
  /** The work has stopped (`inTime`), or outlived `drainTimeout`. Returns whether the lease is being released. */
  drained(inTime: boolean): boolean;
  gone(): void;
}

/** A holder's way out: gate shut, work drained while the lease is still renewed, lease released, a while of staying out. */
export class Departure {
  /** Monotonic instant until which this replica leaves the lease to others; Infinity while it is on its way out. */
  asideUntil = Number.NEGATIVE_INFINITY;
  completed: Promise<void> = Promise.resolve();
  private underWay = false;
  private onReleased: (() => void) | null = null;

  constructor(
    private readonly setup: CandidacySetup,
    private readonly host: CandidacyHost,
  ) {}

  get isUnderWay(): boolean {
    return this.underWay;
  }

  /** Shuts the gate before it returns. */
  begin(term: Term, reason: 'stepped-down' | 'stopped', cooldown: number, steps: DepartureSteps): void {
    this.underWay = true;
    // A lease lost in the middle of this must not be sought again.
    this.asideUntil = Number.POSITIVE_INFINITY;
    let end!: (work: Promise<void>) => void;
    const work = new Promise<void>((resolve) => (end = resolve));
    // Set before anybody is told: who steps down on hearing of it waits for this departure, not for the one before.
    this.completed = this.leave(work, steps).then(() => {
      this.underWay = false;
      this.asideUntil = this.setup.clock.now() + cooldown;
      steps.gone();
    });
    end(outsideAnyCall(() => this.host.ended(term, reason)));
  }

  released(): void {
    this.onReleased?.();
  }

  private async leave(work: Promise<void>, steps: DepartureSteps): Promise<void> {
    const inTime = await settlesWithin(this.setup.clock, this.setup.timings.drainTimeout, work);
    if (!inTime) {
      this.host.heldBackBy(work);
    }
    const released = new Promise<void>((resolve) => (this.onReleased = resolve));
    if (steps.drained(inTime)) {
      await released;
    }
  }
}
