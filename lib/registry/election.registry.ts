import { Logger } from '@nestjs/common';
import { observedStore, type Observed } from '../diagnostics/observed-store.js';
import { observeTerms, observeTicks } from '../diagnostics/observed-terms.js';
import {
  LeaderElectionConfigError,
  type ElectionLog,
  type ElectionOptions,
  type LeaseStore,
} from '../election/index.js';
import { checkOptions } from '../election/options.js';
import { outsideAnyCall } from '../election/work/outside-any-call.js';
import type { LeaderElectionOptions } from '../interfaces/leader-election-options.interface.js';
import * as messages from '../leader-election.messages.js';
import type { LeaderElectionService } from '../leader-election.service.js';
import { isSameLease } from './same-lease.js';
import { SharedStores } from './shared-stores.js';

/** How an elector is made. */
export type ElectorFactory = (config: {
  name: string;
  options: ElectionOptions;
  log: ElectionLog;
}) => LeaderElectionService;

export interface ElectionEntry {
  readonly options: ElectionOptions;
  readonly elector: LeaderElectionService;
}

/** The elections of one application, by name. They start and stop together. */
export class ElectionRegistry {
  private readonly entries = new Map<string, ElectionEntry>();
  private readonly stores = new SharedStores();
  private state: 'idle' | 'started' | 'stopped' = 'idle';

  constructor(
    /** Of the default election, and what the others inherit. */
    readonly root: LeaderElectionOptions,
    private readonly defaultStore: () => LeaseStore,
    private readonly createElector: ElectorFactory,
  ) {}

  /**
   * The election of that name, made if this is the first to declare it. What `options` leave out is as in the root.
   *
   * @throws LeaderElectionConfigError for a name that has other options, and for a lease that has another name
   */
  declare(name: string, options: LeaderElectionOptions): LeaderElectionService {
    if (typeof name !== 'string' || name === '') throw new LeaderElectionConfigError(messages.BAD_NAME_MESSAGE(name));
    if (typeof options !== 'object' || options === null)
      throw new LeaderElectionConfigError(messages.NO_OPTIONS_MESSAGE(name, options), messages.NO_OPTIONS_ADVICE);

    const inherited: LeaderElectionOptions = { ...this.root, ...given(options), leaseName: options.leaseName };
    // One that is null was meant to be something: whatever the default is here, it would be a surprise.
    const complete = { ...inherited, store: inherited.store === undefined ? this.defaultStore() : inherited.store };
    checkOptions(complete);
    const known = this.entries.get(name);
    if (known !== undefined) {
      const differing = differences(known.options, complete);
      if (differing.length === 0) return known.elector;
      throw new LeaderElectionConfigError(messages.SAME_NAME_MESSAGE(name, differing), messages.SAME_NAME_ADVICE);
    }
    this.refuseSharedLease(name, complete);
    return this.add(name, complete).elector;
  }

  /** @throws LeaderElectionConfigError that names `where`, if there is no such election */
  get(name: string, where: string): ElectionEntry {
    const entry = this.entries.get(name);
    if (entry !== undefined) return entry;
    throw new LeaderElectionConfigError(
      messages.UNKNOWN_ELECTION_MESSAGE(name, where, [...this.entries.keys()]),
      messages.UNKNOWN_ELECTION_ADVICE(name),
    );
  }

  /** Whether one of them may come to hold a lease. */
  get hasCandidate(): boolean {
    return this.all().some(({ options }) => options.candidate !== false);
  }

  all(): ElectionEntry[] {
    return [...this.entries.values()];
  }

  /** Begins to stand in every election; never again once stopped, whatever order the hooks of a failing boot come in. */
  async start(): Promise<void> {
    if (this.state !== 'idle') return;
    this.state = 'started';
    await Promise.all(this.all().map((entry) => this.begin(entry)));
  }

  /** Drains and releases all elections side by side, for good, then closes their stores. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    const electors = this.electors();
    await Promise.all(electors.map((elector) => elector.shutdown()));
    const closed = outsideAnyCall(async () => {
      await Promise.all(electors.map((elector) => elector.stop()));
      await this.stores.release();
    });
    // Asked for by admitted work, the release follows when that work ends: waiting for it here would hold that work up.
    if (electors.every((elector) => elector.status().role === 'stopped')) await closed;
  }

  private electors(): LeaderElectionService[] {
    return this.all().map(({ elector }) => elector);
  }

  private add(name: string, options: ElectionOptions): ElectionEntry {
    const log = new Logger('LeaderElection');
    const elector = this.observed(name, options, log);
    const entry = { options, elector };
    this.entries.set(name, entry);
    // A module that was loaded lazily declares its election after the others have started.
    if (this.state === 'started') void this.begin(entry);
    return entry;
  }

  /** Only here is the store in use: a boot that fails on the way never gives back what it has counted. */
  private begin({ options, elector }: ElectionEntry): Promise<void> {
    this.stores.use(options.store);
    return elector.start();
  }

  /** An elector whose terms and requests are published on the diagnostics channels. */
  private observed(name: string, options: ElectionOptions, log: ElectionLog): LeaderElectionService {
    let observed!: Observed;
    const store = observedStore(options.store, () => observed);
    const elector = this.createElector({ name, options: { ...options, store }, log });
    const subject = { election: name, leaseName: options.leaseName, identity: elector.identity };
    observeTicks(elector, subject);
    observed = { ...subject, isLeader: () => elector.isLeader(), releasing: observeTerms(elector, subject) };
    return elector;
  }

  private refuseSharedLease(name: string, options: ElectionOptions): void {
    for (const other of this.all()) {
      if (!isSameLease(other.options, options)) continue;
      throw new LeaderElectionConfigError(
        messages.SAME_LEASE_MESSAGE(options.leaseName, [other.elector.name, name]),
        messages.SAME_LEASE_ADVICE,
      );
    }
  }
}

/** One that is spelled out as `undefined`, a variable of the environment that is not set say, is not given. */
function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function differences(a: ElectionOptions, b: ElectionOptions): string[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof ElectionOptions>;
  return [...keys].filter((key) => !Object.is(a[key], b[key]));
}
