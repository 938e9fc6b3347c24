import { randomUUID } from 'node:crypto';
import type { ElectorFactory } from '../registry/election.registry.js';
import { LeaderElectionConfigError, type LeaseRecord, type TickOutcome } from '../election/index.js';
import { memoryLease } from '../stores/memory/index.js';
import { ObservedElector } from './observed-elector.js';
import { TestClock } from './test-clock.js';

/** After these a tick has had its run, or will have none. */
const SETTLED: ReadonlySet<TickOutcome> = new Set(['done', 'failed', 'cut-short', 'missed', 'refused']);

/** So long that nothing renews or expires by itself, even while somebody looks at a breakpoint. */
const LEASE_DURATION = 3_600_000;
/** How long a lost handler waits for an acquired one that it is to stop. Derived from the duration it would be minutes. */
const RETRY_PERIOD = 100;
const OTHER_REPLICA = { holder: 'another-replica', term: 'of-another-replica' };

/** One election whose lease a test hands to and fro. Store and clock are the test's, the elector is the real one. */
export class ControlledElection {
  readonly elector: ObservedElector;
  /** It never leads, whatever becomes of the lease. */
  readonly observes: boolean;
  private readonly clock = new TestClock();
  private readonly store = memoryLease();
  private readonly lease: { name: string; namespace?: string };

  constructor({ name, options, log }: Parameters<ElectorFactory>[0]) {
    this.lease = { name: options.leaseName, namespace: options.namespace };
    const { leaseName, namespace, identity, fencingEpoch, drainTimeout, releaseOnShutdown, candidate } = options;
    const kept = { leaseName, namespace, identity, fencingEpoch, drainTimeout, releaseOnShutdown, candidate };
    const own = { store: this.store, leaseDuration: LEASE_DURATION, retryPeriod: RETRY_PERIOD };
    this.observes = candidate === false;
    this.elector = new ObservedElector({ name, options: { ...kept, ...own }, clock: this.clock, log });
    this.occupy();
  }

  /** The other replica releases the lease, and this one takes it. */
  async grant(): Promise<void> {
    if (this.elector.isLeader()) return this.elector.settled();
    const handled = this.elector.handled('acquired');
    this.write({ ...OTHER_REPLICA, holder: null });
    // A replica that stepped down stays out for a while.
    this.clock.skip(LEASE_DURATION);
    await handled;
  }

  /** Another replica has taken the lease: the term is over at once. */
  revoke(): Promise<void> {
    return this.lose(() => this.occupy());
  }

  /** This replica hands over: its work is drained before the other one holds the lease. */
  handover(): Promise<void> {
    return this.lose(() => this.elector.stepDown());
  }

  /** The store falls silent until the term is over; then it answers again, and another replica leads. */
  expire(): Promise<void> {
    return this.lose(() => {
      const heal = (['read', 'replace'] as const).map((call) =>
        this.store.fault(call, { kind: 'lost-request' }, Infinity),
      );
      this.clock.skip(LEASE_DURATION);
      for (const end of heal) end();
    });
  }

  hasJob(name: string): boolean {
    return this.elector.status().jobs.some((job) => job.name === name);
  }

  /**
   * The wall clock reaches the job's next instant, or `at`. On the leader it resolves when a tick of the job has run; on a standby at once:
   * there the tick is missed.
   */
  async tick(name: string, at?: number): Promise<void> {
    const { elector, clock } = this;
    const next = elector.status().jobs.find((job) => job.name === name)?.next ?? null;
    const instant = at ?? (next === null ? Number.NaN : Date.parse(next));
    if (Number.isNaN(instant)) {
      throw new LeaderElectionConfigError(
        `The job "${name}" has no tick at ${at === undefined ? 'all any more' : String(at)}.`,
        "Give an instant, as in tick('invoices', { at: new Date('2026-03-29T06:00:00+02:00') }).",
      );
    }
    if (!elector.isLeader()) return clock.setWall(Math.max(instant, clock.wall()));
    await this.accounted(name);
    const ran = new Promise<void>((resolve) => {
      const subscription = elector.ticks$.subscribe(({ job, outcome }) => {
        if (job !== name || !SETTLED.has(outcome)) return;
        subscription.unsubscribe();
        resolve();
      });
    });
    clock.setWall(Math.max(instant, clock.wall()));
    // A wall clock that jumps puts the term in doubt until its next renewal, which this question asks for.
    elector.isLeader();
    elector.lookAtJobs();
    await ran;
  }

  /** The lease has to say from when on the job counts. */
  private async accounted(name: string): Promise<void> {
    const isKnown = () => this.store.peek(this.lease).lease?.record.ledger?.includes(JSON.stringify(name)) === true;
    for (let turn = 0; turn < 100 && !isKnown(); turn++) await Promise.resolve();
  }

  private async lose(how: () => void | Promise<void>): Promise<void> {
    if (!this.elector.isLeader()) return;
    const handled = this.elector.handled('lost');
    await how();
    this.occupy();
    await handled;
  }

  private occupy(): void {
    this.write(OTHER_REPLICA);
  }

  private write(record: Partial<LeaseRecord>): void {
    const now = this.clock.wall();
    const duration = 2 ** 31 - 1;
    this.store.edit(this.lease, { duration, acquiredAt: now, renewedAt: now, writeId: randomUUID(), ...record });
  }
}
